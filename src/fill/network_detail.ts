/**
 * What went wrong below HTTP, in a few words. The platform's message also holds the URL and local
 * addresses; only its last part is for people, and that part never holds a credential.
 */
export function networkDetail(error: unknown): string {
  const messages: string[] = [];
  for (let e = error; e instanceof Error && messages.length < 5; e = e.cause) {
    messages.push(e.message);
  }
  for (const message of messages) {
    const detail = /(?:client|proxy) error \([^)]*\): (.+)$/s.exec(message)?.[1] ??
      // Ports that fetch never connects to: https://fetch.spec.whatwg.org/#port-blocking
      /requests to port \d+ are blocked$/i.exec(message)?.[0];
    if (detail !== undefined) return detail.replace(/ \(os error \d+\)$/, "");
  }
  return "connection failed";
}
