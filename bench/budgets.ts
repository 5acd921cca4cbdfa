/** Figures beside the budgets that they are held to, as columns of text. */

export type BudgetRow = readonly [what: string, figure: string, budget: string];

export function printBudgets(rows: readonly BudgetRow[]): void {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const [what, figure, budget] of rows) {
    process.stdout.write(`${what.padEnd(widths[0]!)}  ${figure.padStart(widths[1]!)}  ${budget}\n`);
  }
}
