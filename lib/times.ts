/** Times for people. */

/** `42s`, `3m10s`, `5h12m`, `12d`: two units at most, as kubectl writes ages. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600),
    Math.floor(whole / 60),
  ];
  if (days >= 3) return `${days}d`;
  if (hours >= 10) return `${hours}h`;
  if (hours >= 1) return `${hours}h${unlessZero(minutes % 60, 'm')}`;
  if (minutes >= 10) return `${minutes}m`;
  if (minutes >= 1) return `${minutes}m${unlessZero(whole % 60, 's')}`;
  return `${whole}s`;
}

function unlessZero(count: number, unit: string): string {
  return count === 0 ? '' : `${count}${unit}`;
}

/** How long ago something was. */
export function age(sinceMs: number, nowMs: number): string {
  return Number.isNaN(sinceMs) ? '' : duration((nowMs - sinceMs) / 1000);
}
