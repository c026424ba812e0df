/** Everything that a shop may want otherwise is a variable of its page, or a part. Colours are the page's own. */
export const STYLE = `:host, a, img, .picture, .title, .price { display: block }
h2 { font: var(--simili-heading-font, inherit); font-weight: var(--simili-heading-weight, 600);
  font-size: var(--simili-heading-size, 1.25em); margin: 0 0 var(--simili-gap, 1rem) }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: var(--simili-gap, 1rem);
  grid-template-columns: repeat(auto-fill, minmax(min(var(--simili-tile, 10rem), 100%), 1fr)) }
li { display: flex; flex-direction: column; gap: .25rem; min-width: 0 }
a { color: var(--simili-color, inherit); text-decoration: none; border-radius: var(--simili-radius, .5rem) }
a:hover .title { text-decoration: underline }
:focus-visible { outline: var(--simili-focus, 2px solid currentColor); outline-offset: 2px }
.picture { aspect-ratio: var(--simili-ratio, 1); overflow: hidden; border-radius: inherit;
  background: var(--simili-picture-background, transparent) }
img { width: 100%; height: 100%; object-fit: var(--simili-fit, contain) }
.title { margin-top: .5rem; overflow-wrap: anywhere }
.price { color: var(--simili-price-color, inherit) }
button { font: inherit; font-size: .875em; color: inherit; background: none; border: 1px solid; border-radius: var(--simili-radius, .5rem);
  padding: .5em .75em; min-height: 24px; align-self: start; cursor: pointer }
button[aria-disabled=true] { opacity: .6; cursor: default }`;
