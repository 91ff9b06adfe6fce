/**
 * The accounts that ceph/s3-tests expects, for both sides: the node's `users` and the suite's own file.
 * Names of sections and settings: s3tests.conf.SAMPLE of the suite.
 */

/** Different when read backwards: the suite reverses access keys to get wrong ones. @param {string} letter @param {number} length */
const filled = (letter, length) => `${letter.repeat(length - 1)}0`;

const ACCOUNTS = {
  's3 main': {
    user_id: 'main-user',
    display_name: 'Main Tester',
    email: 'main@compat.test',
    access_key: filled('M', 20),
    secret_key: filled('m', 40),
  },
  's3 alt': {
    user_id: 'alt-user',
    display_name: 'Alt Tester',
    email: 'alt@compat.test',
    access_key: filled('A', 20),
    secret_key: filled('a', 40),
  },
  's3 tenant': {
    user_id: 'tenant$tenant-user',
    display_name: 'tenant$Tenant Tester',
    email: 'tenant@compat.test',
    access_key: filled('T', 20),
    secret_key: filled('t', 40),
  },
  iam: {
    user_id: 'iam-user',
    display_name: 'Iam Tester',
    email: 'iam@compat.test',
    access_key: filled('I', 20),
    secret_key: filled('i', 40),
  },
  'iam root': {
    user_id: 'RGW11111111111111111',
    display_name: 'Account One',
    email: 'account1@compat.test',
    access_key: filled('R', 20),
    secret_key: filled('r', 40),
  },
  'iam alt root': {
    user_id: 'RGW22222222222222222',
    display_name: 'Account Two',
    email: 'account2@compat.test',
    access_key: filled('S', 20),
    secret_key: filled('s', 40),
  },
};

/** @returns {Record<string, unknown>[]} the `users` of a node's configuration */
export function nodeUsers() {
  return Object.entries(ACCOUNTS).map(([section, account]) => ({
    name: section.replaceAll(' ', '-'),
    id: account.user_id,
    display_name: account.display_name,
    email: account.email,
    access_key: account.access_key,
    secret_key: account.secret_key,
    policies: [],
  }));
}

/** @param {string} s3_url @param {string} worker makes bucket names of parallel processes differ */
export function suiteConfig(s3_url, worker) {
  const { hostname, port } = new URL(s3_url);
  const lines = [
    '[DEFAULT]',
    `host = ${hostname}`,
    `port = ${port}`,
    'is_secure = False',
    'ssl_verify = False',
  ];
  lines.push('[fixtures]', `bucket prefix = compat-${worker}-{random}-`);
  lines.push('iam name prefix = s3-tests-', 'iam path prefix = /s3-tests/');
  for (const [section, account] of Object.entries(ACCOUNTS)) {
    lines.push(`[${section}]`, ...Object.entries(account).map(([name, value]) => `${name} = ${value}`));
    if (section === 's3 main') lines.push('api_name =');
    if (section === 's3 tenant') lines.push('tenant = tenant');
  }
  return `${lines.join('\n')}\n`;
}
