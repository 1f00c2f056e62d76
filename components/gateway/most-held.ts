/** What Nginx needs for itself. */
const NGINX_MB = 24;
/** What a request costs that waits for 30 s: two JavaScript machines, its buffers, a look five times a second. */
export const HELD_REQUEST_KB = 160;

/** How many requests may wait in a hold, by the gateway's memory in MB: past it the gateway would be killed, and all lost. */
export function mostHeld(memoryMb: number): number {
  return Math.max(10, Math.floor(((memoryMb - NGINX_MB) * 1024) / HELD_REQUEST_KB));
}
