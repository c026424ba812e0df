/** Style of all text in a drawing. */
export const TEXT = 'font-family="system-ui, sans-serif" font-size="12" fill="#57606a"';

/** Text for an element or an attribute, in SVG and HTML. */
export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
