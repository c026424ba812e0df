import { isIP } from 'node:net';
import { SimiliError } from '../errors.ts';
import { lengthOf } from '../text.ts';

/** `consents`: agreed that what he does is kept; without it events are judged and not stored. */
export type Visitor = { readonly id: string; readonly consents: boolean };

const MOST_CHARACTERS = 128;

/**
 * A visitor is a pseudonym: what names a person or a line is refused before it is stored anywhere.
 * @throws SimiliError INVALID_ARGUMENT: no text of 1 to 128 characters, an e-mail address, an IP address.
 */
export function checkVisitor(visitorId: string): void {
  const length = lengthOf(visitorId);
  if (length < 1 || length > MOST_CHARACTERS) refuse(`must be text of 1 to ${MOST_CHARACTERS} characters`);
  if (isEmail(visitorId)) refuse(`looks like an e-mail address: ${ADVICE}`);
  if (isAddress(visitorId)) refuse(`looks like an IP address: ${ADVICE}`);
}

const ADVICE = 'send a pseudonym instead, such as a random value from a first-party cookie';

/** Also with its @ written as in a URL. */
const isEmail = (text: string): boolean => /^[^\s@]+(@|%40)[^\s@]+\.[^\s@]{2,}$/i.test(text.trim());

/** With or without a port, brackets, a zone or the length of a network. */
function isAddress(text: string): boolean {
  const bare = text.trim().replace(/\/\d{1,3}$/, '');
  const [, bracketed] = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(bare) ?? [];
  return isIP(bracketed ?? bare) > 0 || isIP(bare.replace(/:\d{1,5}$/, '')) === 4;
}

function refuse(why: string): never {
  throw new SimiliError('INVALID_ARGUMENT', { argument: 'visitor.id', why });
}
