import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { chromiumPath } from './services.ts';

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export type Look = { width?: number; height?: number; dark?: boolean };
/** One event as the page sent it, under its kind. */
export type SentEvent = {
  kind: string;
  eventId: string;
  recommendationId: string;
  itemId?: string;
  itemIds?: string[];
};
export type OpenPage = AsyncDisposable & {
  page: Page;
  /** Console errors, exceptions, breaches of the content security policy, requests to other hosts. */
  problems: string[];
  /** Events in calls that the server answered, in order; one sent again is here again. */
  sent: SentEvent[];
};

export async function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    args: ARGUMENTS,
    ignoreDefaultArgs: ['--enable-automation'],
  });
}

/** A visitor of his own at `url`, which may have a fragment. */
export async function openPage(
  browser: Browser,
  url: string,
  { width = 1280, height = 800, dark = false }: Look = {},
): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
    locale: 'en-GB',
  });
  const page = await context.newPage();
  const problems: string[] = [];
  const sent: SentEvent[] = [];
  watchProblems(page, new URL(url).origin, problems);
  await watchFeedback(context, sent);
  await page.goto(url);
  return { page, problems, sent, [Symbol.asyncDispose]: () => context.close() };
}

function watchProblems(page: Page, origin: string, problems: string[]): void {
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) problems.push(`asked another host: ${request.url()}`);
  });
}

async function watchFeedback(context: BrowserContext, sent: SentEvent[]): Promise<void> {
  context.on('response', (response) => {
    const body = response.request().postData() ?? '';
    if (response.ok() && body.includes('submitFeedback')) sent.push(...eventsIn(body));
  });
}

/** Events of one submitFeedback call. */
export function eventsIn(body: string): SentEvent[] {
  const { variables } = JSON.parse(body) as {
    variables: { input: { events: Record<string, Omit<SentEvent, 'kind'>>[] } };
  };
  return variables.input.events.flatMap((one) => Object.entries(one).map(([kind, event]) => ({ ...event, kind })));
}
