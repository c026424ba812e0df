// GET /client.js of the API: all of this package in one file, which knows where it came from.
import { SimilarItemsElement } from './element.ts';

SimilarItemsElement.api = new URL('.', import.meta.url).href;

export * from './element.ts';
export * from './index.ts';
