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

async function* body(): AsyncGenerator<Uint8Array> {
  for (let count = 0; count < 64; count += 1) yield Buffer.alloc(64 * 1024, count);
}

it.each([
  ['was aborted meanwhile', false, 'not_found', 'upload'],
  ['is still there', true, 'unavailable', 'adapter'],
] as const)('a part that is cut off, and whose upload %s, says so', async (_name, stays, kind, subject) => {
  await overUpstream(cutting(stays), async (adapter) => {
    const upload = { bucket: 'bucket', key: 'key', upload_id: 'upload' };
    const size_bytes = 64 * 64 * 1024;
    await failure(adapter.uploadPart({ ...upload, part_number: 1, body: body(), size_bytes }), kind, subject);
  });
});
