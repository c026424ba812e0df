/** Values of what a shopper does with a product of a list: how much more a purchase says than a click. */
export type ActionValues = {
  readonly click: number;
  readonly cart: number;
  readonly purchase: number;
  readonly dismiss: number;
};

/** How much feedback counts in what is derived from it. The same for all processes of an installation. */
export type FeedbackWorth = {
  readonly values: ActionValues;
  /** Days after which feedback counts half; 0: it never fades. */
  readonly halfLifeDays: number;
};

/** docs/adr/0037-what-feedback-is-worth.md. */
export const FEEDBACK_WORTH: FeedbackWorth = {
  values: { click: 1, cart: 3, purchase: 6, dismiss: -1 },
  halfLifeDays: 180,
};

/** The text that `parseActionValues` reads. */
export const valuesText = (values: ActionValues): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');

const MOST = 1000;
const NUMBER = /^-?\d+(\.\d+)?$/;

/**
 * Values from text, like `cart=4, purchase=10`; what it does not name has its usual value.
 * @returns what is wrong with it, as a sentence, where it is no such text
 */
export function parseActionValues(text: string): ActionValues | string {
  const values = { ...FEEDBACK_WORTH.values };
  for (const one of text.split(',')) {
    const [name = '', number = '', ...rest] = one.split('=').map((part) => part.trim());
    if (!isAction(name) || rest.length > 0 || !NUMBER.test(number))
      return `${one.trim()} is no value of an action: write click=1,cart=3,purchase=6,dismiss=-1, or some of them`;
    values[name] = Number(number);
  }
  const { dismiss, ...positive } = values;
  if (Object.values(positive).some((value) => !(value > 0 && value <= MOST)))
    return `click, cart and purchase are above 0 and at most ${MOST}`;
  return dismiss <= 0 && dismiss >= -MOST ? values : `dismiss is from -${MOST} to 0`;
}

const isAction = (name: string): name is keyof ActionValues => Object.hasOwn(FEEDBACK_WORTH.values, name);
