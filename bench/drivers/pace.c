/*
 * Asks at a steady rate and reports how long answers take, which dnsperf does only on average.
 *
 *   pace ADDRESS PORT PACKETS RATE SECONDS [SOCKETS]
 *
 * PACKETS holds queries, each behind its length in two octets. Prints one line of JSON; times are microseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SOCKETS_MAX 64
#define BATCH 64
#define BUCKETS 100000 /* microseconds; the last one holds all beyond */

static uint64_t sent_at[SOCKETS_MAX][65536];
static uint32_t histogram[BUCKETS];
static int sockets[SOCKETS_MAX];
static unsigned char replies[BATCH][4096];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];
static long received;

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

static unsigned char *read_file(const char *path, size_t *size) {
  struct stat info;
  int fd = open(path, O_RDONLY);
  if (fd < 0 || fstat(fd, &info) < 0) {
    perror(path);
    exit(1);
  }
  unsigned char *octets = malloc(info.st_size);
  *size = read(fd, octets, info.st_size);
  close(fd);
  return octets;
}

static void open_sockets(int count, const char *address, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  int octets = 4 << 20;
  inet_pton(AF_INET, address, &to.sin_addr);
  for (int i = 0; i < count; i++) {
    sockets[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    setsockopt(sockets[i], SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
    if (connect(sockets[i], (struct sockaddr *)&to, sizeof to) < 0) {
      perror("connect");
      exit(1);
    }
  }
}

static void receive(int which) {
  int n = recvmmsg(sockets[which], messages, BATCH, MSG_DONTWAIT, NULL);
  uint64_t t = now();
  for (int i = 0; i < n; i++) {
    unsigned id = replies[i][0] << 8 | replies[i][1];
    uint64_t since = sent_at[which][id];
    if (since == 0) continue;
    sent_at[which][id] = 0;
    uint64_t microseconds = (t - since) / 1000;
    histogram[microseconds < BUCKETS ? microseconds : BUCKETS - 1]++;
    received++;
  }
}

static long percentile(double share) {
  long want = received * share, seen = 0;
  for (int i = 0; i < BUCKETS; i++)
    if ((seen += histogram[i]) > want) return i;
  return BUCKETS;
}

int main(int argc, char **argv) {
  if (argc < 6) return fprintf(stderr, "pace ADDRESS PORT PACKETS RATE SECONDS [SOCKETS]\n"), 2;
  size_t size, at = 0;
  unsigned char *packets = read_file(argv[3], &size);
  double rate = atof(argv[4]);
  int count = argc > 6 ? atoi(argv[6]) : 1;
  open_sockets(count, argv[1], atoi(argv[2]));
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){replies[i], sizeof replies[i]};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  uint64_t start = now(), end = start + (uint64_t)(atof(argv[5]) * 1e9);
  long sent = 0, refused = 0;
  for (uint64_t t = start; t < end; t = now()) {
    long due = (t - start) * rate / 1e9;
    if (sent < due) {
      int which = sent % count;
      unsigned id = (sent / count) & 0xffff;
      unsigned length = packets[at] | packets[at + 1] << 8;
      packets[at + 2] = id >> 8;
      packets[at + 3] = id;
      sent_at[which][id] = now();
      if (send(sockets[which], packets + at + 2, length, 0) < 0) refused++;
      at += 2 + length;
      if (at >= size) at = 0;
      sent++;
    }
    receive(sent % count);
  }
  for (uint64_t t = now(); now() - t < 200000000ull;)
    for (int i = 0; i < count; i++) receive(i);
  printf("{\"sent\":%ld,\"received\":%ld,\"refused\":%ld,\"p50\":%ld,\"p99\":%ld,\"p999\":%ld}\n", sent, received,
         refused, percentile(0.5), percentile(0.99), percentile(0.999));
}
