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

export type Look = {
  width?: number;
  height?: number;
  dark?: boolean;
  /** The page's time stands still but for `lookAtListFor`; else it runs. */
  frozen?: boolean;
};
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
  { width = 1280, height = 800, dark = false, frozen = false }: Look = {},
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
  await page.clock.install();
  if (frozen) await page.clock.pauseAt(Date.now() + 1000);
  await page.goto(url);
  return { page, problems, sent, [Symbol.asyncDispose]: () => context.close() };
}

/** Passes time on the page's own clock, once it knows which similar products are in view. A busy machine adds nothing. */
export async function lookAtListFor(page: Page, milliseconds: number): Promise<void> {
  await page.locator('#alike > li').first().waitFor();
  // Observers hear in the order in which they were made, so the page's own has heard when this one does.
  await page.evaluate(
    `new Promise((heard) => new IntersectionObserver(heard).observe(document.querySelector('#alike > li:last-child')))`,
  );
  await page.clock.runFor(milliseconds);
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
    if (response.ok() && response.url().endsWith('/feedback')) sent.push(...eventsIn(body));
  });
}

/** Events of one POST /feedback. */
export function eventsIn(body: string): SentEvent[] {
  const { events } = JSON.parse(body) as { events: Record<string, Omit<SentEvent, 'kind'>>[] };
  return events.flatMap((one) => Object.entries(one).map(([kind, event]) => ({ ...event, kind })));
}
