/** Lines of a file that cannot be used, for whoever runs the command. */
export function tellProblems(problems: readonly { readonly line: number; readonly reason: string }[]): void {
  for (const { line, reason } of problems) process.stderr.write(`  line ${line}: ${reason}\n`);
}
