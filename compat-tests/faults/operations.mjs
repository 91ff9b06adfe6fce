import { createHash, randomFillSync } from 'node:crypto';

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
 * @property {(call: Call, answer: Answer, wrong_etags: boolean) => Promise<void>} [followUp] what has to work after a
 *   success; `wrong_etags`: the node was told ETags that are not those of its upstream
 * @property {(call: Call) => Promise<Buffer | null>} [read] what may change; without it the object
 * @property {string} key the object that may change
 * @property {Buffer | null} before its content; null where there is none
 * @property {Buffer | null} after its content once the operation was carried out
 *
 * @typedef {object} OperationUnderFault
 * @property {string} name
 * @property {boolean} writes
 * @property {boolean} [records] it asks for something in the reserved bucket too
 * @property {(call: Call, key: string) => Promise<Trial>} prepare with calls that meet no fault
 */

export const BUCKET = 'faulty';
/** Where the node keeps what S3 has no place for. */
export const RECORDS_BUCKET = 'backup-node-documents';
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

/** @param {Buffer | string} content */
const md5 = (content) => createHash('md5').update(content).digest();

/** @param {string} key */
const pathOf = (key) => `/${BUCKET}/${key}`;

/** @param {string} name @param {Buffer} content @returns {OperationUnderFault} */
const put = (name, content) => ({
  name,
  writes: true,
  async prepare(call, key) {
    mustSucceed(await call('PUT', pathOf(key), { body: OLD }), 'put before');
    return {
      key,
      before: OLD,
      after: content,
      run: () => call('PUT', pathOf(key), { body: content }),
      checkSuccess({ headers }) {
        if (headers.get('etag') !== `"${md5(content).toString('hex')}"`)
          throw new Error(`${name}: acknowledged as ${headers.get('etag')}`);
      },
    };
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
const removeMany = {
  name: 'DELETE many',
  writes: true,
  async prepare(call, key) {
    const keys = [key, `${key}-2`];
    for (const one of keys) mustSucceed(await call('PUT', pathOf(one), { body: OLD }), 'put before');
    const body = `<Delete>${keys.map((one) => `<Object><Key>${one}</Key></Object>`).join('')}</Delete>`;
    const headers = { 'content-md5': md5(body).toString('base64') };
    return {
      key,
      before: OLD,
      after: null,
      run: () => call('POST', `/${BUCKET}`, { query: { delete: '' }, headers, body }),
      async followUp(calm) {
        const { status } = await calm('GET', pathOf(`${key}-2`));
        if (status !== 404) throw new Error(`the second one: ${status}`);
      },
    };
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
  return uploadIdOf(
    mustSucceed(await call('POST', pathOf(key), { query: { uploads: '' } }), 'create upload'),
  );
}

/** @param {Answer} answer */
function uploadIdOf({ body }) {
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

/** An upload that was acknowledged takes parts and becomes an object. @type {OperationUnderFault} */
const beginning = {
  name: 'create upload',
  writes: true,
  records: true,
  async prepare(call, key) {
    return {
      key,
      before: null,
      after: null,
      run: () => call('POST', pathOf(key), { query: { uploads: '' } }),
      async followUp(calm, answer) {
        const upload_id = uploadIdOf(answer);
        const { headers } = mustSucceed(await uploadPart(calm, key, upload_id), 'part after');
        mustSucceed(await complete(calm, key, upload_id, headers.get('etag')), 'complete after');
        mustEqual(mustSucceed(await calm('GET', pathOf(key)), 'get after').body, LARGE, 'the object');
      },
    };
  },
};

/** A document of the bucket, which lies among the records. @type {OperationUnderFault} */
const tagging = {
  name: 'bucket tagging',
  writes: true,
  records: true,
  async prepare(call, key) {
    const path = `/${BUCKET}`;
    const query = { tagging: '' };
    /** @param {string} value @param {Call} way */
    const write = (value, way) => {
      const body = `<Tagging><TagSet><Tag><Key>k</Key><Value>${value}</Value></Tag></TagSet></Tagging>`;
      return way('PUT', path, { query, body, headers: { 'content-md5': md5(body).toString('base64') } });
    };
    mustSucceed(await write('before', call), 'tagging before');
    return {
      key,
      before: Buffer.from('before'),
      after: Buffer.from('after'),
      run: () => write('after', call),
      async read(way) {
        const { body } = mustSucceed(await way('GET', path, { query }), 'read tagging');
        return Buffer.from(/<Value>([^<]*)</.exec(body.toString())?.[1] ?? '');
      },
    };
  },
};

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
      async followUp(calm, { headers }, wrong_etags) {
        const etag = headers.get('etag');
        const completed = await complete(calm, key, upload_id, etag);
        if (wrong_etags) {
          // The client, or the node that encrypts, was told what no completion can name, and the client hears so.
          if (completed.status === 400 && completed.body.includes('<Code>InvalidPart</Code>')) return;
          throw new Error(`completed with ${etag}: ${completed.status} ${completed.body}`);
        }
        mustSucceed(completed, 'complete after');
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
  records: true,
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
  removeMany,
  copy,
  list,
  beginning,
  part,
  completion,
  tagging,
];
