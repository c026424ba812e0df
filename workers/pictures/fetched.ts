/** Which content a source had, as its host says (ETag, Last-Modified) or its file (size, time of change). */
export type Revision = { etag: string | null; lastModified: string | null };
export type Fetched = { bytes: Uint8Array; revision: Revision };
