/** What a person sees when a node has started. */
import type { RunningNode } from '../app.js';

export function readyEvent(node: RunningNode): Record<string, unknown> {
  return {
    event: 'ready',
    node_id: node.node_id,
    pid: process.pid,
    api_url: node.api_url,
    s3_url: node.s3_url,
    ...(node.metrics_url === undefined ? {} : { metrics_url: node.metrics_url }),
  };
}

export function readyLine(node: RunningNode): string {
  return `backup node ${node.node_id} is ready: shard API ${node.api_url}, S3 ${node.s3_url} (process ${process.pid})`;
}

/** Lines for the shell. They read the secret from its file: what goes to a terminal may end in a log. */
export function firstSteps(node: RunningNode): string {
  const from_file = (name: string) =>
    `"$(node -p 'JSON.parse(fs.readFileSync(${JSON.stringify(node.root.file)})).${name}')"`;
  return [
    '',
    `Root credentials were generated into ${node.root.file} (only you can read it). With aws-cli:`,
    '',
    `  export AWS_ACCESS_KEY_ID=${from_file('access_key')}`,
    `  export AWS_SECRET_ACCESS_KEY=${from_file('secret_key')}`,
    `  export AWS_DEFAULT_REGION=${node.region}`,
    `  aws --endpoint-url ${node.s3_url} s3 mb s3://photos`,
    `  aws --endpoint-url ${node.s3_url} s3 cp README.md s3://photos/`,
    `  aws --endpoint-url ${node.s3_url} s3 ls s3://photos`,
    '',
    `  curl ${node.api_url}/api/v1/status`,
    '',
  ].join('\n');
}
