/** So long may the name of an encoder be. */
const LONGEST = 128;

/**
 * Whether a text is the name of an encoder: of a folder or file where whoever runs the workers keeps encoders. A path is none, so
 * that a caller of the API can point at nothing else.
 */
export const isEncoderName = (text: string): boolean =>
  text.length <= LONGEST && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text) && !text.endsWith('.onnx');
