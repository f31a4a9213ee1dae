import { expect, test } from "vitest";
import { html } from "./html.ts";

test("what is put in is escaped, templates within are not", () => {
  const inner = html`<b>${"a < b & \"c\" 'd'"}</b>`;
  expect(
    html`<p title="${'"><script>'}">${inner}${[inner, inner]}${undefined}${7}</p>`.markup,
  ).toBe(
    '<p title="&quot;&gt;&lt;script&gt;">' +
      "<b>a &lt; b &amp; &quot;c&quot; &#39;d&#39;</b>".repeat(3) +
      "7</p>",
  );
});
