import { createReadStream } from 'node:fs';
import { decodeUtf8, type Line, MAX_LINE_BYTES } from './lines.ts';

const [QUOTE, BACKSLASH, COMMA, LINE_FEED, OBJECT, ARRAY_END] = [34, 92, 44, 10, 123, 93];
const OPEN = new Set([91, OBJECT]); // [ {
const CLOSE = new Set([ARRAY_END, 125]); // ] }
const BLANK = new Set([9, 10, 13, 32]);

/**
 * The elements of a JSON array in a file, as text with the number of the line on which each begins, read as the file goes.
 * One that is broken costs itself: the next one is found where a line begins as the lines of the elements before did.
 */
export async function* readElements(path: string): AsyncGenerator<Line> {
  const scanner = new Scanner();
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    for (const byte of chunk) scanner.take(byte);
    yield* scanner.elements.splice(0);
  }
  scanner.end();
  yield* scanner.elements;
}

/** Knows of JSON where strings, objects and arrays begin and end; what is between is parsed elsewhere. */
class Scanner {
  readonly elements: Line[] = [];
  private line = 1;
  /** 0: before the array; 1: between its elements. */
  private depth = 0;
  private ended = false;
  private inString = false;
  private escaped = false;
  private bytes: number[] = [];
  private begun = 0;
  /** Blanks since the line began; null: something else was there. */
  private indent: number | null = 0;
  /** Indent of the first element that begins a line. */
  private usual: number | null = null;

  take(byte: number): void {
    if (byte === OBJECT && this.indent !== null) this.beginsLine();
    if (this.inString && byte !== LINE_FEED) this.inText(byte);
    else this.outside(byte);
    if (byte === LINE_FEED) {
      this.line += 1;
      this.indent = 0;
      this.inString = this.escaped = false; // a text of JSON holds none
    } else if (this.indent !== null) this.indent = BLANK.has(byte) ? this.indent + 1 : null;
  }

  end(): void {
    this.finish();
    if (this.depth > 0 && !this.ended)
      this.elements.push({ number: this.line, text: null, problem: 'the file ends within its array' });
  }

  /** An object begins a line. Where it is one of the array's, whatever was before it is over, at its end or not. */
  private beginsLine(): void {
    if (this.depth === 1 && this.usual === null) this.usual = this.indent;
    if (this.indent !== this.usual) return;
    this.finish();
    this.depth = 1;
    this.inString = this.ended = false;
  }

  private inText(byte: number): void {
    this.keep(byte);
    if (this.escaped) this.escaped = false;
    else if (byte === BACKSLASH) this.escaped = true;
    else if (byte === QUOTE) this.inString = false;
  }

  private outside(byte: number): void {
    if (this.depth === 1 && (byte === COMMA || byte === ARRAY_END)) {
      this.finish();
      if (byte === COMMA) return;
      this.ended = true;
      this.depth = 0;
      return;
    }
    if (this.depth === 0) {
      if (OPEN.has(byte) && !this.ended) this.depth = 1;
      else if (!BLANK.has(byte) && !isMark(byte)) this.keep(byte);
      return;
    }
    if (byte === QUOTE) this.inString = true;
    else if (OPEN.has(byte)) this.depth += 1;
    else if (CLOSE.has(byte) && this.depth > 1) this.depth -= 1;
    if (this.bytes.length > 0 || !BLANK.has(byte)) this.keep(byte);
  }

  private keep(byte: number): void {
    if (this.bytes.length === 0) this.begun = this.line;
    if (this.bytes.length <= MAX_LINE_BYTES) this.bytes.push(byte);
  }

  private finish(): void {
    if (this.bytes.length === 0) return;
    const { begun: number, bytes } = this;
    this.bytes = [];
    if (bytes.length > MAX_LINE_BYTES) {
      this.elements.push({ number, text: null, problem: `the element is longer than ${MAX_LINE_BYTES} bytes` });
      return;
    }
    const text = decodeUtf8(Buffer.from(bytes));
    this.elements.push(text === null ? { number, text, problem: 'the element is not UTF-8 text' } : { number, text });
  }
}

/** Whether this is a byte of the byte order mark. */
const isMark = (byte: number): boolean => byte === 0xef || byte === 0xbb || byte === 0xbf;
