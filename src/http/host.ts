import type { IncomingMessage } from 'node:http';

/** RFC 9112, section 3.2: more than one Host is to be refused. node keeps the first and drops the others. */
export function hasSeveralHosts({ rawHeaders }: IncomingMessage): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count > 1;
}
