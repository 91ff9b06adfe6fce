/**
 * @typedef {object} Row
 * @property {string} what
 * @property {string} unit
 * @property {boolean} more_is_better
 * @property {Map<string, number[]>} values by server, one per round
 * @property {{ than: 'MinIO', factor: number } | { limit: number } | null} goal
 */

const NAME_WIDTH = 58;
const COLUMN_WIDTH = 15;

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** @param {number} value */
function show(value) {
  if (Number.isNaN(value)) return '-';
  return value >= 100 ? Math.round(value).toLocaleString('en-GB') : value.toPrecision(3);
}

/** Collects figures by what was measured and on which server. */
export function createReport() {
  /** @type {Row[]} */
  const rows = [];
  return {
    rows,
    /**
     * @param {{ what: string, unit: string, more_is_better?: boolean, goal?: Row['goal'] }} about
     * @param {string} server
     * @param {number} value
     */
    add({ what, unit, more_is_better = true, goal = null }, server, value) {
      let row = rows.find((one) => one.what === what);
      if (row === undefined) {
        row = { what, unit, more_is_better, values: new Map(), goal };
        rows.push(row);
      }
      row.values.set(server, [...(row.values.get(server) ?? []), value]);
    },
    /** @param {readonly string[]} servers the first is ours */
    table(servers) {
      const [ours = '', other] = servers;
      const title = ['', ...servers, ...(other === undefined ? [] : ['ratio']), 'goal'];
      const lines = [
        title.map((text, at) => (at === 0 ? text.padEnd(NAME_WIDTH) : text.padStart(COLUMN_WIDTH))).join(''),
      ];
      for (const row of rows) {
        const value = (/** @type {string} */ name) => median(row.values.get(name) ?? []);
        const ratio = other === undefined ? Number.NaN : value(ours) / value(other);
        const cells = servers.map((name) => show(value(name)));
        if (other !== undefined) cells.push(Number.isNaN(ratio) ? '-' : `${ratio.toPrecision(3)} x`);
        cells.push(goalText(row, value(ours), ratio));
        lines.push(
          `${`${row.what} (${row.unit})`.padEnd(NAME_WIDTH)}${cells.map((cell) => cell.padStart(COLUMN_WIDTH)).join('')}`,
        );
      }
      return lines.join('\n');
    },
    toJSON() {
      return rows.map(({ values, ...row }) => ({ ...row, values: Object.fromEntries(values) }));
    },
  };
}

/** @param {Row} row @param {number} ours @param {number} ratio */
function goalText({ goal, more_is_better }, ours, ratio) {
  if (goal === null) return '';
  const [wanted, actual] = 'limit' in goal ? [goal.limit, ours] : [goal.factor, ratio];
  if (Number.isNaN(actual)) return '-';
  const reached = more_is_better ? actual >= wanted : actual <= wanted;
  const text = 'limit' in goal ? show(goal.limit) : `${goal.factor} x`;
  return `${more_is_better ? '>=' : '<='} ${text} ${reached ? 'ok' : 'NO'}`;
}
