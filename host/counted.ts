/** A number with what it counts, for messages: `1 request`, `2 requests`. `noun`: in the singular, its plural ends in `s`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
