import { randomFillSync } from 'node:crypto';

/**
 * What a client does while something goes wrong below the node. All keys lie in one bucket.
 *
 * @typedef {object} Answer
 * @property {number} status 0 where no answer came, or it broke off
 * @property {Buffer} body
 * @property {Headers} headers
 *
 * @typedef {(method: string, path: string, options?: { query?: Record<string, string>, headers?: Record<string, string>, body?: Buffer | string }) => Promise<Answer>} Call
 *
 * @typedef {object} Trial one operation, made ready
 * @property {() => Promise<Answer>} run
 * @property {(answer: Answer) => void} [checkSuccess] what a success has to hold
 * @property {(call: Call, answer: Answer) => Promise<void>} [followUp] what has to work after a success
 * @property {string} key the object that may change
 * @property {Buffer | null} before its content; null where there is none
 * @property {Buffer | null} after its content once the operation was carried out
 *
 * @typedef {object} OperationUnderFault
 * @property {string} name
 * @property {boolean} writes
 * @property {(call: Call, key: string) => Promise<Trial>} prepare with calls that meet no fault
 */

export const BUCKET = 'faulty';
const KIB = 1024;
const MIB = KIB * KIB;
export const SMALL = randomFillSync(Buffer.alloc(4 * KIB));
export const LARGE = randomFillSync(Buffer.alloc(3 * MIB));
const OLD = Buffer.from('what was there before');
const RANGE = { first: 100_000, last: 2_500_000 };

/** @param {Answer} answer @param {string} what */
export function mustSucceed(answer, what) {
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw new Error(`${what}: ${answer.status} ${answer.body.toString().slice(0, 500)}`);
}

/** @param {Buffer} actual @param {Buffer} expected @param {string} what */
function mustEqual(actual, expected, what) {
  if (!actual.equals(expected))
    throw new Error(`${what}: ${actual.length} bytes, not the ${expected.length} expected`);
}

/** S3 API reference, "CopyObject" and "CompleteMultipartUpload": an error may stand inside a 200. @param {Answer} answer */
export function isSuccess(answer) {
  return answer.status >= 200 && answer.status < 300 && !answer.body.subarray(0, 200).includes('<Error>');
}

/** @param {string} key */
const pathOf = (key) => `/${BUCKET}/${key}`;

/** @param {string} name @param {Buffer} content @returns {OperationUnderFault} */
const put = (name, content) => ({
  name,
  writes: true,
  async prepare(call, key) {
    mustSucceed(await call('PUT', pathOf(key), { body: OLD }), 'put before');
    return { key, before: OLD, after: content, run: () => call('PUT', pathOf(key), { body: content }) };
  },
});

/** @param {string} name @param {Buffer} content @param {{ first: number, last: number }} [range] @returns {OperationUnderFault} */
const get = (name, content, range) => ({
  name,
  writes: false,
  async prepare(call, key) {
    mustSucceed(await call('PUT', pathOf(key), { body: content }), 'put before');
    const headers = range === undefined ? {} : { range: `bytes=${range.first}-${range.last}` };
    const expected = range === undefined ? content : content.subarray(range.first, range.last + 1);
    return {
      key,
      before: content,
      after: content,
      run: () => call('GET', pathOf(key), { headers: /** @type {Record<string, string>} */ (headers) }),
      checkSuccess: ({ body }) => mustEqual(body, expected, name),
    };
  },
});

/** @type {OperationUnderFault} */
const remove = {
  name: 'DELETE',
  writes: true,
  async prepare(call, key) {
    mustSucceed(await call('PUT', pathOf(key), { body: OLD }), 'put before');
    return { key, before: OLD, after: null, run: () => call('DELETE', pathOf(key)) };
  },
};

/** @type {OperationUnderFault} */
const copy = {
  name: 'copy',
  writes: true,
  async prepare(call, key) {
    mustSucceed(await call('PUT', pathOf(`${key}-source`), { body: LARGE }), 'source');
    const headers = { 'x-amz-copy-source': pathOf(`${key}-source`) };
    return { key, before: null, after: LARGE, run: () => call('PUT', pathOf(key), { headers }) };
  },
};

/** @type {OperationUnderFault} */
const list = {
  name: 'list',
  writes: false,
  async prepare(call, key) {
    mustSucceed(await call('PUT', pathOf(`${key}/a`), { body: SMALL }), 'put before');
    mustSucceed(await call('PUT', pathOf(`${key}/b`), { body: SMALL }), 'put before');
    return {
      key: `${key}/a`,
      before: SMALL,
      after: SMALL,
      run: () => call('GET', `/${BUCKET}`, { query: { 'list-type': '2', prefix: `${key}/` } }),
      checkSuccess({ body }) {
        const keys = [...body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, found]) => found);
        if (keys.join() !== `${key}/a,${key}/b`) throw new Error(`list: ${keys.join()}`);
      },
    };
  },
};

/** @param {Call} call @param {string} key */
async function begin(call, key) {
  const { body } = mustSucceed(await call('POST', pathOf(key), { query: { uploads: '' } }), 'create upload');
  const id = /<UploadId>([^<]*)<\/UploadId>/.exec(body.toString())?.[1];
  if (id === undefined) throw new Error('no upload id');
  return id;
}

/** @param {Call} call @param {string} key @param {string} upload_id */
const uploadPart = (call, key, upload_id) =>
  call('PUT', pathOf(key), { query: { partNumber: '1', uploadId: upload_id }, body: LARGE });

/** @param {Call} call @param {string} key @param {string} upload_id @param {string | null} etag */
const complete = (call, key, upload_id, etag) =>
  call('POST', pathOf(key), {
    query: { uploadId: upload_id },
    body: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`,
  });

/** A part that was acknowledged is there: completing with it makes the object. @type {OperationUnderFault} */
const part = {
  name: 'part',
  writes: true,
  async prepare(call, key) {
    const upload_id = await begin(call, key);
    return {
      key,
      before: null,
      after: null,
      run: () => uploadPart(call, key, upload_id),
      async followUp(calm, { headers }) {
        mustSucceed(await complete(calm, key, upload_id, headers.get('etag')), 'complete after');
        const whole = mustSucceed(await calm('GET', pathOf(key)), 'get after');
        mustEqual(whole.body, LARGE, 'the completed object');
      },
    };
  },
};

/** @type {OperationUnderFault} */
const completion = {
  name: 'complete',
  writes: true,
  async prepare(call, key) {
    const upload_id = await begin(call, key);
    const { headers } = mustSucceed(await uploadPart(call, key, upload_id), 'part before');
    return {
      key,
      before: null,
      after: LARGE,
      run: () => complete(call, key, upload_id, headers.get('etag')),
    };
  },
};

export const OPERATIONS = [
  put('PUT small', SMALL),
  put('PUT large', LARGE),
  get('GET small', SMALL),
  get('GET large', LARGE),
  get('GET range', LARGE, RANGE),
  remove,
  copy,
  list,
  part,
  completion,
];
