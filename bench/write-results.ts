import { readFile, writeFile } from 'node:fs/promises';

const [BEGIN, END] = ['<!-- results -->', '<!-- end of results -->'];

/** Puts measured results between the two marks of a document, in place of the ones before. @throws Error without marks. */
export async function writeResults(file: URL, results: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (before < 0 || after < 0) throw new Error(`${file.pathname} has no place for results: ${BEGIN} … ${END}`);
  await writeFile(file, `${text.slice(0, before)}${BEGIN}\n\n${results}\n\n${text.slice(after)}`);
}
