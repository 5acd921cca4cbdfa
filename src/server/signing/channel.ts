/** What the channel of a worker is called, over which it is handed signed replies. */
export function channelOf(channel: string, worker: number): string {
  return `${channel}-${worker}`;
}
