import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import sax, { type QualifiedTag, type Tag } from 'sax';
import { SimiliError } from '../../errors.ts';
import { MAX_LINE_BYTES } from './lines.ts';
import type { ReadObject } from './objects.ts';

/** Elements that are a product: of RSS, of Atom, and of the feeds of shops' own. */
const PRODUCTS = new Set(['item', 'entry', 'product', 'offer', 'shopitem']);
/** Those that are never inside of one another: where one begins, the one before is over. */
const APART = new Set(['item', 'entry', 'shopitem']);
/** Elements that are open at once: a file of more is no feed. */
const MOST_OPEN = 100_000;
/** Faults of a file, beside so many an element: a tag that fits nothing is a fault of each element that is open. */
const [MOST_FAULTS, FAULTS_AN_ELEMENT] = [10_000, 10];
/** Marks that should have been written as entities: what they stand for is plain. */
const LENIENT = /entity|Unencoded/;

type Item = { line: number; fields: Map<string, Field>; depth: number; size: number; problem: string | null };
/** `isOwn`: from an element with a prefix (`g:title`), which goes before one without. */
type Field = { isOwn: boolean; values: string[] };

/**
 * The products of an XML feed, read as it goes: elements directly in an `item`, `entry`, `product`, `offer` or `shopitem`, by
 * their names without prefix; one that comes again has several values. A product that is not well-formed costs itself.
 * Entities of the document's own and everything outside of it are not followed.
 */
export async function* readFeed(path: string): AsyncGenerator<ReadObject> {
  const decoder = decoderOf(path, await encodingOf(path));
  const feed = new Feed(path);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    feed.take(decoder.decode(chunk, { stream: true }));
    yield* feed.read.splice(0);
  }
  feed.take(decoder.decode());
  feed.end();
  yield* feed.read;
}

class Feed {
  readonly read: ReadObject[] = [];
  private readonly parser = sax.parser(true, { position: true });
  private item: Item | null = null;
  /** Name of the field that is open. */
  private name = '';
  private lenient = 0;
  /** Products whose end is missing: the tags around them do not fit either. */
  private unclosed = 0;
  /** Line of the fault before. */
  private lastBroken = 0;
  private faults = 0;
  private elements = 0;
  private open = 0;
  /** Characters of the attributes of the tag that is being read. */
  private attributes = 0;

  constructor(private readonly source: string) {
    const { parser } = this;
    parser.onattribute = ({ name, value }) => {
      this.attributes += name.length + value.length;
      if (this.attributes > MAX_LINE_BYTES) this.refuse(`attributes of more than ${MAX_LINE_BYTES} characters`);
    };
    parser.onopentag = (tag) => this.opened(tag);
    parser.onclosetag = () => this.closed();
    parser.ontext = (text) => this.said(text);
    parser.oncdata = (text) => this.said(text);
    parser.onerror = (error) => {
      this.broken(error.message.split('\n')[0] ?? '');
      parser.resume();
    };
  }

  take(text: string): void {
    this.parser.write(text);
  }

  end(): void {
    const line = this.parser.line + 1;
    if (this.item) {
      this.item.problem ??= 'the file ends within it';
      this.lastBroken = line; // and so are the tags around it
    }
    this.finish();
    this.parser.close();
    if (this.lenient > 0) {
      const note = `${this.lenient} signs (& or <) that XML wants as entities are taken as they are written`;
      this.read.push({ line, note });
    }
  }

  private opened({ name, attributes }: Tag | QualifiedTag): void {
    this.attributes = 0;
    this.elements += 1;
    this.open += 1;
    if (this.open > MOST_OPEN) this.refuse(`more than ${MOST_OPEN} elements that are not closed`);
    const local = name.slice(name.indexOf(':') + 1);
    const kind = local.toLowerCase();
    if (PRODUCTS.has(kind) && (this.item === null || this.item.depth === 0 || APART.has(kind))) {
      if (this.item) {
        this.item.problem ??= `its end is missing: ${name} begins within it`;
        this.unclosed += 1;
      }
      this.finish();
      this.item = { line: this.parser.line + 1, fields: new Map(), depth: 0, size: 0, problem: null };
      return;
    }
    const { item } = this;
    if (!item) return;
    item.depth += 1;
    if (item.depth > 1) return;
    this.name = '';
    if (!grows(item, local.length + 1)) return;
    this.name = local;
    const isOwn = name.includes(':');
    const before = item.fields.get(local);
    if (!before || (isOwn && !before.isOwn)) item.fields.set(local, { isOwn, values: [''] });
    else if (before.isOwn === isOwn) before.values.push('');
    else this.name = '';
    const { href } = attributes;
    if (href !== undefined) this.said(typeof href === 'string' ? href : href.value); // Atom's link
  }

  private said(text: string): void {
    const { item, name } = this;
    if (!item || item.depth === 0 || name === '') return;
    if (!grows(item, text.length)) return;
    const { values } = item.fields.get(name)!;
    values.push((values.pop() ?? '') + text);
  }

  private closed(): void {
    this.open -= 1;
    if (!this.item) return;
    if (this.item.depth === 0) this.finish();
    else this.item.depth -= 1;
  }

  /** Outside of products too a fault may be a product that is not seen as one. */
  private broken(why: string): void {
    const line = this.parser.line + 1;
    const problem = `it is not well-formed XML: ${why}`;
    const isLenient = LENIENT.test(why);
    if (!isLenient) this.faults += 1;
    if (this.faults > MOST_FAULTS + FAULTS_AN_ELEMENT * this.elements)
      this.refuse(`more than ${FAULTS_AN_ELEMENT} faults an element`);
    if (isLenient) this.lenient += 1;
    else if (this.item) this.item.problem ??= problem;
    else if (line !== this.lastBroken && this.unclosed === 0) this.read.push({ line, problem });
    this.lastBroken = line;
  }

  private refuse(what: string): never {
    throw new SimiliError('IMPORT_UNREADABLE', { source: this.source, why: `it is no feed: it has ${what}` });
  }

  private finish(): void {
    if (!this.item) return;
    const { line, fields, problem } = this.item;
    this.item = null;
    const values = [...fields].map(([name, { values: all }]) => {
      const said = all.map((value) => value.trim()).filter((value) => value !== '');
      return [name, said.length > 1 ? said : (said[0] ?? '')] as const;
    });
    const object = Object.fromEntries(values);
    const isText = !JSON.stringify(object).includes('\ufffd');
    if (problem !== null) this.read.push({ line, problem });
    else this.read.push(isText ? { line, object } : { line, problem: 'it is not text in the encoding of the file' });
  }
}

/** Counts what is kept of a product: elements without text, too. @returns false once that is too much */
function grows(item: Item, characters: number): boolean {
  item.size += characters;
  if (item.size > MAX_LINE_BYTES) item.problem ??= `it is longer than ${MAX_LINE_BYTES} characters`;
  return item.size <= MAX_LINE_BYTES;
}

/** As the first line of the file says; else UTF-8. */
async function encodingOf(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(200), 0, 200, 0);
    if (buffer[0] === 0xff && buffer[1] === 0xfe) return 'utf-16le';
    return /encoding\s*=\s*["']([\w.:-]+)["']/.exec(buffer.toString('latin1', 0, bytesRead))?.[1] ?? 'utf-8';
  } finally {
    await file.close();
  }
}

function decoderOf(source: string, encoding: string) {
  try {
    return new TextDecoder(encoding);
  } catch {
    throw new SimiliError('IMPORT_UNREADABLE', { source, why: `its encoding ${encoding} is not known` });
  }
}
