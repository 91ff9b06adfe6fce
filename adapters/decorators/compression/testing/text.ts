/** Text that shrinks to a quarter or so, and is another one everywhere. */
export function textOf(size_bytes: number): Buffer {
  const lines: string[] = [];
  for (let at = 0, index = 0; at < size_bytes; index += 1) {
    const line = `${index} GET /photos/${(index * 7919) % 1000}.jpg 200 in ${(index * 31) % 977} ms\n`;
    lines.push(line);
    at += line.length;
  }
  return Buffer.from(lines.join('')).subarray(0, size_bytes);
}
