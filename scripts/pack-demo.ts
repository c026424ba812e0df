// The demo catalog as it ships: demo/catalog.jsonl and its pictures, from development packages. 849 pictures, 3.8 MB.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { demoCatalog } from './demo-catalog.ts';

const folder = process.argv[2] ?? 'demo';
mkdirSync(`${folder}/pictures`, { recursive: true });
const lines: string[] = [];
for await (const entry of demoCatalog()) {
  if (!('row' in entry)) continue;
  const { images, groupId, ...row } = entry.row;
  const image = `pictures/${row.id}.webp`;
  copyFileSync(images[0] as string, `${folder}/${image}`);
  lines.push(JSON.stringify({ ...row, image, item_group_id: groupId }));
}
writeFileSync(`${folder}/catalog.jsonl`, `${lines.join('\n')}\n`);

const MIT = readFileSync(fileURLToPath(import.meta.resolve('emojibase-data/LICENSE')), 'utf8');
writeFileSync(
  `${folder}/LICENSE`,
  `Pictures: Fluent Emoji, Copyright (c) Microsoft Corporation, under the MIT License below.
Names, keywords and groups: emojibase, under the MIT License below. Prices and stock are invented.

${MIT}`,
);
