import { makeContent, PART_BYTES_MIN, randomContent } from '../crash/content.mjs';
import { createRandom } from '../crash/random.mjs';
import { textOf } from '../crash/s3-client.mjs';

/**
 * @typedef {import('../crash/content.mjs').Content} Content
 * @typedef {import('./client.mjs').ClusterClient} ClusterClient
 *
 * One client that writes keys of its own, one request at a time.
 * @typedef {object} Writer
 * @property {Map<string, Content>} objects what was acknowledged and not deleted since, by key
 * @property {() => Promise<void>} step one acknowledged write
 */

/** S3 calls of a step; a write whose answer was lost is asked for again until it is acknowledged. */
const KINDS = /** @type {const} */ (['put', 'put', 'put', 'overwrite', 'overwrite', 'remove', 'upload']);

/**
 * A key with a write that may still take effect later is not written again: what it holds would be anyone's guess on any
 * store. It is read at the end like all others.
 * @param {{ name: string, seed: number, bucket: string, client: ClusterClient }} options
 * @returns {Writer}
 */
export function createWriter({ name, seed, bucket, client }) {
  const random = createRandom(seed);
  /** @type {Map<string, Content>} */
  const objects = new Map();
  /** @type {Set<string>} */
  const settled = new Set();
  let made = 0;
  const newKey = () => {
    made += 1;
    return `${name}/${String(made).padStart(4, '0')}`;
  };

  /** @param {string} key @param {Content | null} content @param {boolean} uncertain */
  const acknowledge = (key, content, uncertain) => {
    if (content === null) objects.delete(key);
    else objects.set(key, content);
    if (uncertain || content === null) settled.delete(key);
    else settled.add(key);
  };

  /** @param {string} key */
  const put = async (key) => {
    const { content, body } = randomContent(random);
    const { uncertain } = await client.ask({ method: 'PUT', bucket, key, body, sha256: content.sha256 });
    acknowledge(key, content, uncertain);
  };

  /** @param {string} key */
  const remove = async (key) => {
    const { uncertain } = await client.ask({ method: 'DELETE', bucket, key });
    acknowledge(key, null, uncertain);
  };

  /** Each request of it may go to another node. @param {string} key */
  const upload = async (key) => {
    const { content, body } = makeContent(random.integer(1_000, 1_000_000), PART_BYTES_MIN + 70_000);
    const begun = await client.ask({ method: 'POST', bucket, key, query: { uploads: '' } });
    const uploadId = textOf(begun.answer.body.toString(), 'UploadId') ?? '';
    const parts = [];
    for (const [index, part] of [body.subarray(0, PART_BYTES_MIN), body.subarray(PART_BYTES_MIN)].entries()) {
      const query = { partNumber: String(index + 1), uploadId };
      const { answer } = await client.ask({ method: 'PUT', bucket, key, query, body: part });
      parts.push(
        `<Part><PartNumber>${index + 1}</PartNumber><ETag>${answer.headers.etag ?? ''}</ETag></Part>`,
      );
    }
    const document = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
    const call = { method: 'POST', bucket, key, query: { uploadId }, body: document };
    const { answer, uncertain } = await client.ask(call);
    // The error of a slow complete comes in the body of a 200 (S3 API reference, "CompleteMultipartUpload").
    if (!answer.body.includes('<CompleteMultipartUploadResult')) throw new Error(answer.body.toString());
    acknowledge(key, content, uncertain);
  };

  return {
    objects,
    async step() {
      const kind = random.pick(KINDS);
      const old = random.pick([...settled]);
      if (kind === 'upload') return upload(random.chance(0.5) ? (old ?? newKey()) : newKey());
      if (kind === 'put' || old === undefined) return put(newKey());
      return kind === 'remove' ? remove(old) : put(old);
    },
  };
}
