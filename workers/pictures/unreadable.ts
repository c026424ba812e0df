import { SimiliError } from 'simili/internal/errors';

/** Whether an error is about one picture, which is left out then: a full disk, or a decoder that does not start, ends the work instead. */
export const isOfPicture = (error: unknown): error is SimiliError =>
  error instanceof SimiliError && error.code.startsWith('IMAGE_');

/** Whether the picture was not even asked for, as its host is left alone for a while: that says nothing of the picture. */
export const wasNotAsked = ({ facts }: SimiliError): boolean => (facts as { asked?: boolean }).asked === false;
