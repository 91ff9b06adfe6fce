import { it } from 'vitest';
import { failure } from '../conformance/support/expect.js';
import { type Handler, overUpstream } from './testing/bad-upstream.js';

/** Closes the connection in the middle of each part; afterwards its upload is there, or is not. */
function cutting(upload_stays: boolean): Handler {
  let parts = 0;
  return (request, response) => {
    if (request.method === 'PUT') {
      parts += 1;
      request.once('data', () => request.socket.destroy());
      return;
    }
    const listed = request.url?.includes('uploadId=') && (parts === 0 || upload_stays);
    if (listed)
      return void response.end('<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>');
    const code = request.url?.includes('uploadId=') ? 'NoSuchUpload' : 'NoSuchKey';
    response.writeHead(404).end(`<Error><Code>${code}</Code><Message>No</Message></Error>`);
  };
}

/** More than the buffers of a connection hold. */
const CHUNKS = 512;
const size_bytes = CHUNKS * 64 * 1024;

async function* body(): AsyncGenerator<Uint8Array> {
  for (let count = 0; count < CHUNKS; count += 1) yield Buffer.alloc(64 * 1024, count);
}

it.each([
  ['was aborted meanwhile', false, 'not_found', 'upload'],
  ['is still there', true, 'unavailable', 'adapter'],
] as const)('a part that is cut off, and whose upload %s, says so', async (_name, stays, kind, subject) => {
  await overUpstream(cutting(stays), async (adapter) => {
    const upload = { bucket: 'bucket', key: 'key', upload_id: 'upload' };
    await failure(adapter.uploadPart({ ...upload, part_number: 1, body: body(), size_bytes }), kind, subject);
  });
});

it.each([
  ['does not hold', true, 'precondition_failed'],
  ['holds', false, 'unavailable'],
] as const)('a put that is cut off, and whose condition %s, says so', async (_name, is_there, kind) => {
  const handler: Handler = (request, response) => {
    if (request.method === 'PUT') return void request.once('data', () => request.socket.destroy());
    if (request.method === 'HEAD' && is_there)
      return void response.writeHead(200, { etag: '"e"', 'content-length': 1 }).end();
    const found = request.method === 'HEAD' && request.url === '/bucket';
    response.writeHead(found ? 200 : 404).end();
  };
  await overUpstream(handler, async (adapter) => {
    const condition = { if_none_match: '*' };
    const put = { bucket: 'bucket', key: 'key', body: body(), size_bytes, condition };
    await failure(adapter.putObject(put), kind);
  });
});
