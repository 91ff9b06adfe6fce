import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Adapter } from '../../adapters/contract/index.js';
import type { CredentialSource, Identity } from '../access/identity.js';
import { nameOperation, requestIdOf } from '../http/exchange.js';
import { hasSeveralHosts } from '../http/host.js';
import { authenticate } from './auth/authenticate.js';
import type { Authenticated } from './auth/request.js';
import { authorise, checkExpectedOwner } from './authorise.js';
import { connectionSignal } from './connection-signal.js';
import { detectOperation } from './detect.js';
import { endOfBody } from './end-of-body.js';
import { errorDocument, errorReply } from './error-reply.js';
import { notImplemented, S3Error } from './errors.js';
import { readFraming } from './framing.js';
import type { Operation, Payload, Reply } from './operation.js';
import { OPERATIONS } from './operations/index.js';
import { createPayload, NO_PAYLOAD } from './payload.js';
import { type ParsedQuery, parseQuery } from './query.js';
import { SERVER_NAME, sendReply } from './reply.js';
import { toS3Error } from './store-errors.js';
import { type BucketOfHost, readTarget, type Target } from './target.js';

/** What all requests of a door share. */
export interface Frame {
  readonly store: Adapter;
  readonly credentials: CredentialSource;
  readonly region: string;
  readonly host_id: string;
  readonly bucketOf: BucketOfHost;
  readonly onFailure: FailureListener | undefined;
  readonly now: () => number;
}

/** A request that failed, for another reason than that its client went away. */
export interface Failure {
  readonly request_id: string;
  /** '' when the request was refused before it was known. */
  readonly operation: string;
  readonly error: S3Error;
  /** The answer had begun: the client saw it break off, or the error stands in the body of a 200. */
  readonly broken_off: boolean;
}

export type FailureListener = (failure: Failure) => void;

/** One request, from its headers to the end of its answer. What becomes known on the way is filled in. */
interface Exchange {
  readonly frame: Frame;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** As sent. */
  readonly url: string;
  readonly request_id: string;
  readonly signal: AbortSignal;
  /** `Expect: 100-continue` was sent and not answered yet. */
  continue_awaited: boolean;
  operation: string;
  target: Target | undefined;
  query: ParsedQuery | undefined;
  identity: Identity | undefined;
}

/** Detect, authenticate, authorise, run, reply. Answers whatever happens, and never rejects. */
export async function handleRequest(
  frame: Frame,
  request: IncomingMessage,
  response: ServerResponse,
  url: string,
  continue_awaited: boolean,
): Promise<void> {
  const exchange: Exchange = {
    frame,
    request,
    response,
    url,
    request_id: requestIdOf(response),
    signal: connectionSignal(request.socket),
    continue_awaited,
    operation: '',
    target: undefined,
    query: undefined,
    identity: undefined,
  };
  try {
    const sent = send(exchange, await answer(exchange));
    if (sent !== undefined) await sent;
  } catch (error) {
    await fail(exchange, error);
  }
}

/** Throws, or fails later. */
function answer(exchange: Exchange): Promise<Reply> {
  const { frame, request, url } = exchange;
  const { headers, method = '' } = request;
  const target = readTarget(url, hostOf(request), frame.bucketOf);
  exchange.target = target;
  const query = parseQuery(target.raw_query);
  exchange.query = query;
  const name = detectOperation(method, target.bucket, target.key, query, headers);
  exchange.operation = name;
  nameOperation(exchange.response, name);
  const authenticated = authenticate({
    method,
    raw_path: target.raw_path,
    query,
    headers,
    credentials: frame.credentials,
    region: frame.region,
    any_region: name === 'GetBucketLocation',
    now_ms: frame.now(),
  });
  exchange.identity = authenticated.identity;
  return runOperation(exchange, name, target, query, authenticated);
}

async function runOperation(
  exchange: Exchange,
  name: string,
  { bucket, key, raw_path }: Target,
  query: ParsedQuery,
  authenticated: Authenticated,
): Promise<Reply> {
  const operation = OPERATIONS.get(name);
  // Every other name is in NOT_IMPLEMENTED: detect.test.ts holds that.
  if (operation === undefined) throw notImplemented(name);
  const { frame, request, signal } = exchange;
  const { store, credentials, region } = frame;
  const { identity } = authenticated;
  const { headers } = request;
  if (operation.credentials_in_body !== true) {
    const asked = authorise({ operation: name, bucket, identity, store, signal });
    if (asked !== undefined) await asked;
  }
  const expected_owner = headers['x-amz-expected-bucket-owner'];
  if (expected_owner !== undefined) await checkExpectedOwner({ store, bucket, signal }, expected_owner);
  return await operation.run({
    request_id: exchange.request_id,
    store,
    credentials,
    identity,
    region,
    bucket,
    key,
    query,
    headers,
    base_url: `${'encrypted' in request.socket ? 'https' : 'http'}://${headers.host ?? ''}${raw_path}`,
    signal,
    payload: operation.body === 'none' ? NO_PAYLOAD : await payloadOf(exchange, operation, authenticated),
  });
}

function payloadOf(exchange: Exchange, operation: Operation, authenticated: Authenticated): Promise<Payload> {
  const { request, response } = exchange;
  return createPayload({
    request,
    framing: readFraming(request.headers, authenticated),
    checksum_headers: operation.name !== 'CompleteMultipartUpload',
    onFirstRead: () => {
      if (!exchange.continue_awaited) return;
      exchange.continue_awaited = false;
      response.writeContinue();
    },
  });
}

function hostOf(request: IncomingMessage): string {
  if (hasSeveralHosts(request))
    throw new S3Error('BadRequest', { message: 'There must be one Host header.' });
  return request.headers.host ?? '';
}

function send(exchange: Exchange, reply: Reply): Promise<void> | undefined {
  const { request, response, frame, request_id } = exchange;
  endOfBody(request, response, exchange.continue_awaited);
  return sendReply(
    response,
    request.method === 'HEAD',
    reply,
    { server: SERVER_NAME, 'x-amz-request-id': request_id, 'x-amz-id-2': frame.host_id },
    (error) => errorDocument(report(exchange, error, true), originOf(exchange)),
  );
}

async function fail(exchange: Exchange, error: unknown): Promise<void> {
  const { response } = exchange;
  const broken_off = response.headersSent;
  const failure = report(exchange, error, broken_off);
  if (broken_off) {
    // The length is announced: only a broken connection tells the client that this was not all.
    response.destroy();
    return;
  }
  try {
    await send(exchange, errorReply(failure, originOf(exchange)));
  } catch (second) {
    report(exchange, second, true);
    response.destroy();
  }
}

function report(exchange: Exchange, error: unknown, broken_off: boolean): S3Error {
  const { target, query, identity, request_id, operation, request } = exchange;
  if (request.socket.destroyed) {
    // The client has gone: what failed because of that is no failure of ours, and nobody is left to answer.
    return new S3Error('RequestTimeout', { cause: error });
  }
  const failure = toS3Error(error, {
    bucket: target?.bucket ?? '',
    key: target?.key ?? '',
    version_id: query?.get('versionId'),
    upload_id: query?.get('uploadId'),
    identity_id: identity?.id ?? '',
  });
  exchange.frame.onFailure?.({ request_id, operation, error: failure, broken_off });
  return failure;
}

function originOf({ url, target, request_id, frame }: Exchange) {
  return { resource: target?.raw_path ?? url.split('?', 1)[0] ?? '', request_id, host_id: frame.host_id };
}
