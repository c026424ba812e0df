import express, { type RequestHandler } from 'express';
import { BAD_REQUEST } from '../graphql/errors.ts';
import { sourceOf } from './cors.ts';
import { refuse } from './refuse.ts';

const SUBMIT = `mutation Feedback($input: SubmitFeedbackInput!) {
  submitFeedback(input: $input) { accepted duplicates rejected withoutConsent userErrors { code message field } }
}`;

/**
 * POST /feedback: the input of submitFeedback as JSON, under `text/plain` too, so that `navigator.sendBeacon` can send it
 * across origins without a preflight. What follows sees the same mutation at the same endpoint as everybody's.
 *
 * Without a preflight any page on the web can make its visitors' browsers send this. There is nothing to forge with: no
 * cookie, no session, no key is ever read here; what counts is the signed recommendationId in the body, and whoever has
 * one may send from anywhere. The one thing that a foreign page would borrow is its visitors' addresses, to get around the
 * limits of its own. Browsers name the page's origin in every POST, so pages that may not read the API may not send either.
 */
export const feedbackAsMutation = (origins: readonly string[], limit: string): RequestHandler[] => [
  (req, res, next) => {
    if (sourceOf(req, origins) !== 'foreign page') return next();
    refuse(
      res,
      403,
      `Pages of ${req.headers.origin} may not send feedback: name it in SIMILI_CORS_ORIGINS`,
      BAD_REQUEST,
    );
  },
  express.json({ type: ['application/json', 'text/plain'], limit }),
  (req, res, next) => {
    if (req.body === undefined) return refuse(res, 400, 'Send JSON, as text/plain or application/json', BAD_REQUEST);
    req.body = { query: SUBMIT, variables: { input: req.body } };
    req.headers['content-type'] = 'application/json'; // Apollo's guard against foreign pages: ours stands above
    next();
  },
];
