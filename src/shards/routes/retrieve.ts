import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { nameOperation } from '../../http/exchange.js';
import { BINARY_TYPE, METADATA_HEADER, SHA256_HEADER, SOURCE_NODE_HEADER } from '../binary-request.js';
import type { ShardRouteDeps } from '../deps.js';
import { type ReadShard, readShard } from '../read-shard.js';
import { abortWith, sendPieces } from '../send-body.js';
import { ONE_SHARD_ROUTE, shardIdOf } from '../shard-id.js';
import { isoTime } from '../times.js';

const JSON_TYPE = 'application/json; charset=utf-8';

/** RFC 9110, section 12.5.1. Nobody who does not name the binary form gets it: the first clients know JSON only. */
function wantsBinary(request: FastifyRequest): boolean {
  const accept = request.headers.accept;
  return accept?.includes(BINARY_TYPE) ?? false;
}

/** The document up to and behind the base64 text. */
function frame({ info, fields }: ReadShard): readonly [head: string, tail: string] {
  return [
    `{"shard_id":${JSON.stringify(info.key)},"shard_data":"`,
    `","size_bytes":${info.size_bytes},"retrieved_at":"${isoTime(Date.now())}",` +
      `"created_at":"${isoTime(info.modified_at_ms)}","original_hash":${JSON.stringify(fields.sha256)},` +
      `"source_node":${JSON.stringify(fields.source_node)},"metadata":${fields.metadata ?? 'null'}}`,
  ];
}

/** Base64 of a stream: each piece of text stands for a multiple of 3 bytes, so that the pieces join to one text. */
async function* jsonPieces(
  [head, tail]: readonly [string, string],
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<string> {
  yield head;
  let rest = Buffer.alloc(0);
  for await (const chunk of body) {
    const bytes =
      rest.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        : Buffer.concat([rest, chunk]);
    const whole = bytes.length - (bytes.length % 3);
    rest = Buffer.from(bytes.subarray(whole));
    if (whole > 0) yield bytes.toString('base64', 0, whole);
  }
  yield rest.toString('base64') + tail;
}

function binaryHeaders({ info, fields }: ReadShard): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': BINARY_TYPE,
    'content-length': String(info.size_bytes),
  };
  if (fields.sha256 !== null) headers[SHA256_HEADER] = fields.sha256;
  if (fields.source_node !== null) headers[SOURCE_NODE_HEADER] = encodeURIComponent(fields.source_node);
  if (fields.metadata !== null && fields.metadata.length <= 4_096)
    headers[METADATA_HEADER] = encodeURIComponent(fields.metadata);
  return headers;
}

function base64Length(size_bytes: number): number {
  return Math.ceil(size_bytes / 3) * 4;
}

async function sendJson(reply: FastifyReply, shard: ReadShard): Promise<unknown> {
  const { body, info } = shard;
  const [head, tail] = frame(shard);
  if (Buffer.isBuffer(body)) {
    return reply.header('content-type', JSON_TYPE).send(head + body.toString('base64') + tail);
  }
  const length = Buffer.byteLength(head) + base64Length(info.size_bytes) + Buffer.byteLength(tail);
  await sendPieces(
    reply,
    { 'content-type': JSON_TYPE, 'content-length': length },
    jsonPieces([head, tail], body),
  );
  return reply;
}

async function sendBinary(reply: FastifyReply, shard: ReadShard): Promise<unknown> {
  const headers = binaryHeaders(shard);
  if (Buffer.isBuffer(shard.body)) return reply.headers(headers).send(shard.body);
  await sendPieces(reply, headers, shard.body);
  return reply;
}

/** `GET /api/v1/shards/{shard_id}`: JSON with base64, or the raw bytes for clients that accept them. */
export function retrieveRoutes(deps: ShardRouteDeps) {
  const { transfers } = deps;
  return async (app: FastifyInstance): Promise<void> => {
    app.get(ONE_SHARD_ROUTE, async (request, reply) => {
      nameOperation(reply.raw, 'retrieve_shard');
      transfers.count++;
      try {
        const shard = await readShard(deps, shardIdOf(request.originalUrl), () => abortWith(reply));
        reply.header('vary', 'accept');
        deps.observe?.({ type: 'retrieved', size_bytes: shard.info.size_bytes });
        return await (wantsBinary(request) ? sendBinary(reply, shard) : sendJson(reply, shard));
      } finally {
        transfers.count--;
      }
    });
  };
}
