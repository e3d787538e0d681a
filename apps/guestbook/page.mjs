/**
 * The page: works without JavaScript.
 * @param {readonly import('./entry.mjs').Entry[]} entries
 * @param {string} action where the form is sent
 * @param {readonly string[]} problems why the last entry was not taken
 */
export function page(entries, action, problems = []) {
  const items = entries
    .toReversed()
    .map(({ name, text }) => `<li><strong>${escapeHtml(name)}</strong><p>${escapeHtml(text)}</p></li>`)
    .join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guestbook</title>
<style>
:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif; --accent: #b45309; --line: #8884; }
body { margin: 0; display: grid; justify-content: center; }
main { width: min(38rem, 92vw); padding: 4rem 0; }
.kicker { margin: 0; color: var(--accent); font-weight: 600; letter-spacing: .04em; text-transform: uppercase; font-size: .75rem; }
h1 { margin: 0 0 1.5rem; font-size: 2.4rem; letter-spacing: -.02em; }
form { display: grid; gap: .6rem; }
input, textarea { padding: .6rem .8rem; border: 1px solid var(--line); border-radius: .5rem; font: inherit; background: none; color: inherit; }
button { justify-self: start; padding: .6rem 1.2rem; border: 0; border-radius: .5rem; background: var(--accent); color: #fff; font: inherit; cursor: pointer; }
.problem { margin: 0 0 1rem; padding: .6rem .8rem; border-left: .25rem solid var(--accent); }
ul { list-style: none; margin: 2rem 0 0; padding: 0; }
li { padding: .8rem 0; border-top: 1px solid var(--line); }
li p { margin: .2rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
</style>
</head>
<body>
<main>
<p class="kicker">Portico framework</p>
<h1>Guestbook</h1>
${problems.map((problem) => `<p class="problem" role="alert">${escapeHtml(problem)}</p>\n`).join('')}<form method="post" action="${escapeHtml(action)}">
<input name="name" required maxlength="60" placeholder="Your name" aria-label="Your name">
<textarea name="text" required maxlength="500" rows="3" placeholder="Your message" aria-label="Your message"></textarea>
<button type="submit">Sign</button>
</form>
<ul>
${items}
</ul>
</main>
</body>
</html>
`;
}

/** @param {string} text */
function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
