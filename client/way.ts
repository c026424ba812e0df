/** How events reach a server. Each catalog of it is a way of its own: an event belongs to one of them. */
export type Way = {
  url: string;
  /** Tells this way from others in the storage that they share. */
  name: string;
  headers: Record<string, string>;
  bodyOf(input: { visitor: { id: string }; events: readonly unknown[] }): string;
};

const SUBMIT =
  'mutation Feedback($input: SubmitFeedbackInput!) { submitFeedback(input: $input) { accepted userErrors { code message field } } }';

/** POST /feedback of Simili's own server. As text, which needs no preflight: a page that is left has no time for two requests. */
export const asText = (url: string): Way => ({
  url,
  name: url,
  headers: { 'content-type': 'text/plain' },
  bodyOf: (input) => JSON.stringify(input),
});

/** The mutation, for servers that have Simili as a plugin and no /feedback. @param headers with the catalog, if any */
export const asMutation = (url: string, headers: Record<string, string>): Way => ({
  url,
  name: [url, headers['simili-catalog']].join(' '),
  headers,
  bodyOf: (input) => JSON.stringify({ query: SUBMIT, variables: { input } }),
});
