import { isIP } from 'node:net';
import { z } from 'zod';
import { checked } from '../checked.ts';
import { ofLength } from '../shapes.ts';

/** `consents`: agreed that what he does is kept; without it events are judged and not stored. */
export type Visitor = { readonly id: string; readonly consents: boolean };

const ADVICE = 'send a pseudonym instead, such as a random value from a first-party cookie';
/** Its length first: only short text is looked at further. */
const VisitorId = z
  .string()
  .refine(...ofLength(128))
  .pipe(
    z
      .string()
      .refine((text) => !isEmail(text), `looks like an e-mail address: ${ADVICE}`)
      .refine((text) => !isAddress(text), `looks like an IP address: ${ADVICE}`),
  );

/**
 * A visitor is a pseudonym: what names a person or a line is refused before it is stored anywhere.
 * @throws SimiliError INVALID_ARGUMENT: no text of 1 to 128 characters, an e-mail address, an IP address.
 */
export const checkVisitor = (visitorId: string): void => void checked(VisitorId, visitorId, 'visitor.id');

/** Also with its @ written as in a URL. */
const isEmail = (text: string): boolean => /^[^\s@]+(@|%40)[^\s@]+\.[^\s@]{2,}$/i.test(text.trim());

/** With or without a port, brackets, a zone or the length of a network. */
function isAddress(text: string): boolean {
  const bare = text.trim().replace(/\/\d{1,3}$/, '');
  const [, bracketed] = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(bare) ?? [];
  return isIP(bracketed ?? bare) > 0 || isIP(bare.replace(/:\d{1,5}$/, '')) === 4;
}
