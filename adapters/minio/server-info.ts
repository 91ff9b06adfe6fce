import { Agent } from 'undici';
import { LIMITS } from '../../config/limits.js';
import { toStoreError } from '../s3/errors.js';
import { addressesOf, type MinioOptions, openClient } from './client.js';

/** What a MinIO says of itself. */
export interface MinioServer {
  readonly software: string | null;
  readonly health: MinioHealth;
  /** Null where the credentials may not ask (`admin:ServerInfo`). */
  readonly version: string | null;
  readonly mode: string | null;
  readonly deployment_id: string | null;
  readonly servers_online: number | null;
  readonly servers_count: number | null;
}

/** MinIO documentation, "Healthcheck API". */
interface MinioHealth {
  readonly live: boolean;
  /** It may serve: its stores and its key server answer. */
  readonly ready: boolean;
  /** It has the disks to write. */
  readonly cluster: boolean;
}

export interface MinioInspector {
  /** Of the first address that answers. Fails with a StoreError when none does. */
  inspect(): Promise<MinioServer>;
  close(): Promise<void>;
}

export function inspectMinio(options: MinioOptions): MinioInspector {
  const agent = new Agent({
    connect: {
      timeout: LIMITS.adapter_check_ms_max,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    },
    headersTimeout: LIMITS.adapter_check_ms_max,
    bodyTimeout: LIMITS.adapter_check_ms_max,
  });
  const ask = async (endpoint: string, name: string) => {
    const origin = new URL(endpoint).origin;
    const answer = await agent.request({ origin, path: `/minio/health/${name}`, method: 'GET' });
    await answer.body.dump();
    return answer;
  };
  async function inspectAt(address: MinioOptions): Promise<MinioServer> {
    const { endpoint } = address;
    const [live, ready, cluster, info] = await Promise.all([
      ask(endpoint, 'live'),
      ask(endpoint, 'ready'),
      ask(endpoint, 'cluster'),
      adminInfo(address).catch(() => null),
    ]);
    const ok = ({ statusCode }: { statusCode: number }) => statusCode === 200;
    const { server } = live.headers;
    return {
      software: typeof server === 'string' ? server : null,
      health: { live: ok(live), ready: ok(ready), cluster: ok(cluster) },
      version: null,
      mode: null,
      deployment_id: null,
      servers_online: null,
      servers_count: null,
      ...info,
    };
  }
  return {
    async inspect() {
      let failure: unknown;
      for (const address of addressesOf(options)) {
        try {
          return await inspectAt(address);
        } catch (error) {
          failure = error;
        }
      }
      throw toStoreError(failure);
    },
    close: () => agent.destroy(),
  };
}

interface AdminInfo {
  readonly mode?: unknown;
  readonly deploymentID?: unknown;
  readonly servers?: readonly { readonly state?: unknown; readonly version?: unknown }[];
}

type AdminPart = Pick<MinioServer, 'version' | 'mode' | 'deployment_id' | 'servers_online' | 'servers_count'>;

/** The one call of MinIO's admin API whose answer is plain JSON; the client signs it like an object of a bucket `minio`. */
async function adminInfo(options: MinioOptions): Promise<AdminPart> {
  // Credentials that do not come must not make a MinIO look down that answers.
  const opened = await openClient(options, AbortSignal.timeout(LIMITS.adapter_check_ms_max / 2));
  const timer = setTimeout(opened.close, LIMITS.adapter_check_ms_max);
  try {
    const where = { method: 'GET', bucketName: 'minio', objectName: 'admin/v3/info' };
    const answer = await opened.client.makeRequestAsync(where, '', [200], options.region);
    const chunks: Buffer[] = [];
    let size_bytes = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      size_bytes += chunk.length;
      if (size_bytes > LIMITS.upstream_xml_bytes_max) throw new Error('the answer is too long');
      chunks.push(chunk);
    }
    return readAdminInfo(JSON.parse(Buffer.concat(chunks).toString('utf8')) as AdminInfo);
  } finally {
    clearTimeout(timer);
    opened.close();
  }
}

function readAdminInfo({ mode, deploymentID, servers }: AdminInfo): AdminPart {
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return {
    version: text(servers?.[0]?.version),
    mode: text(mode),
    deployment_id: text(deploymentID),
    servers_online: servers?.filter(({ state }) => state === 'online').length ?? null,
    servers_count: servers?.length ?? null,
  };
}
