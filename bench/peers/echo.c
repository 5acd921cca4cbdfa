/*
 * The floor that every server is compared with: takes DNS queries off a UDP socket and sends them back with the QR
 * bit set, 64 packets a call, and does nothing else.
 *
 *   echo ADDRESS PORT [BATCH]
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH_MAX 1024
#define SLOT 1536

static unsigned char packets[BATCH_MAX][SLOT];
static struct sockaddr_in names[BATCH_MAX];
static struct iovec vectors[BATCH_MAX];
static struct mmsghdr messages[BATCH_MAX];

static int open_socket(const char *address, int port) {
  struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(port)};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  int on = 1, octets = 1 << 20;
  inet_pton(AF_INET, address, &local.sin_addr);
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (getenv("RCVBUF")) octets = atoi(getenv("RCVBUF"));
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
  if (bind(fd, (struct sockaddr *)&local, sizeof local) < 0) {
    perror("bind");
    exit(1);
  }
  return fd;
}

static void send_all(int fd, int count) {
  for (int sent = 0; sent < count;) {
    int n = sendmmsg(fd, messages + sent, count - sent, 0);
    if (n < 0 && errno != EINTR) n = 1;
    if (n > 0) sent += n;
  }
}

int main(int argc, char **argv) {
  int batch = argc > 3 ? atoi(argv[3]) : 64;
  int fd = open_socket(argv[1], atoi(argv[2]));
  for (int i = 0; i < batch; i++) {
    vectors[i].iov_base = packets[i];
    messages[i].msg_hdr = (struct msghdr){.msg_name = &names[i], .msg_iov = &vectors[i], .msg_iovlen = 1};
  }
  for (;;) {
    for (int i = 0; i < batch; i++) {
      vectors[i].iov_len = SLOT;
      messages[i].msg_hdr.msg_namelen = sizeof names[i];
    }
    int n = recvmmsg(fd, messages, batch, MSG_WAITFORONE, NULL);
    if (n <= 0) continue;
    for (int i = 0; i < n; i++) {
      packets[i][2] |= 0x80;
      vectors[i].iov_len = messages[i].msg_len;
    }
    send_all(fd, n);
  }
}
