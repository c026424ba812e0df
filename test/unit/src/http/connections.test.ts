import { Socket } from 'node:net';
import express from 'express';
import { expect, test } from 'vitest';
import { bornFor } from '../../../../src/http/connections.ts';

test('requests and answers are born with what Express would give them, so that it gives them no other prototype', () => {
  const app = express();
  const { IncomingMessage, ServerResponse } = bornFor(app);
  const req = new IncomingMessage(new Socket());
  const res = new ServerResponse(req);
  expect(Object.getPrototypeOf(req)).toBe(app.request);
  expect(Object.getPrototypeOf(res)).toBe(app.response);
  expect(app.request).toMatchObject({ app });
  expect(app.response).toMatchObject({ app });
  expect(res).toMatchObject({ status: expect.any(Function), json: expect.any(Function), end: expect.any(Function) });
});
