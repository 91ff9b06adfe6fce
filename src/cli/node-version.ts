/** Too old a Node fails somewhere in a library, in words that help nobody: it is looked at before anything is loaded. */

interface Version {
  readonly major: number;
  readonly minor: number;
}

function parse(text: string): Version {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(text) ?? [];
  return { major: Number(major ?? 0), minor: Number(minor ?? 0) };
}

/** What is wrong with `found` (as process.version), where `engines` is of the form `>=20.19`; else undefined. */
export function nodeVersionProblem(engines: string, found: string): string | undefined {
  const needed = parse(engines);
  const { major, minor } = parse(found);
  if (major > needed.major || (major === needed.major && minor >= needed.minor)) return undefined;
  return `Node.js ${needed.major}.${needed.minor} or newer is needed; this is ${found}`;
}
