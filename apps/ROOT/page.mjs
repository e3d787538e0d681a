/**
 * The welcome page: no script, no request beyond itself.
 * @param {readonly import('./welcome.mjs').Mounted[]} applications
 */
export function page(applications) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Portico</title>
<style>
:root { color-scheme: light dark; font: 17px/1.6 system-ui, sans-serif; --ink: #1c1917; --paper: #faf9f7; --card: #fff; --line: #e7e5e4; --soft: #78716c; --accent: #9a3412; --good: #15803d; --bad: #b91c1c; }
@media (prefers-color-scheme: dark) { :root { --ink: #f5f5f4; --paper: #161412; --card: #211e1b; --line: #3a3531; --soft: #a8a29e; --accent: #fdba74; --good: #4ade80; --bad: #f87171; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); }
main { max-width: 60rem; margin: 0 auto; padding: clamp(2.5rem, 8vw, 6rem) 1.25rem; }
.columns { display: flex; gap: .55rem; align-items: flex-end; height: 2.6rem; border-bottom: .3rem solid var(--accent); width: max-content; padding: 0 .3rem; margin-bottom: 1.6rem; }
.columns i { width: .5rem; height: 100%; background: var(--accent); border-top: .3rem solid var(--accent); opacity: .85; }
h1 { font-size: clamp(2.2rem, 6vw, 3.4rem); letter-spacing: -.03em; line-height: 1.1; margin: 0 0 .6rem; }
.lead { color: var(--soft); max-width: 36rem; margin: 0 0 2.5rem; }
ul { list-style: none; padding: 0; margin: 0; display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); }
li > * { display: flex; flex-direction: column; height: 100%; padding: 1.1rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .8rem; color: inherit; text-decoration: none; }
li > a:hover, li > a:focus-visible { border-color: var(--accent); }
.path { font: 600 1.1rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
.says { margin-top: .3rem; flex-grow: 1; }
.about { display: flex; justify-content: space-between; color: var(--soft); font-size: .85rem; margin-top: .6rem; }
.state::before { content: "● "; color: var(--soft); }
.running::before { color: var(--good); }
.failed::before { color: var(--bad); }
footer { margin-top: 3rem; color: var(--soft); font-size: .9rem; }
code { font: .9em ui-monospace, monospace; }
</style>
</head>
<body>
<main>
<div class="columns" aria-hidden="true"><i></i><i></i><i></i><i></i><i></i></div>
<h1>Portico is running</h1>
<p class="lead">Each application below answers behind this one port, in a process of its own.</p>
<ul>
${applications.map(cardOf).join('\n')}
</ul>
<footer>Drop a folder, a <code>.tgz</code> or a <code>.zip</code> into <code>apps/</code> and reload this page.</footer>
</main>
</body>
</html>
`;
}

/** @param {import('./welcome.mjs').Mounted} application */
function cardOf({ host, path, state, kind, about = '' }) {
  // Where another host is reached is not known here.
  const isElsewhere = host !== undefined && host !== '*';
  const text = `<span class="path">${escapeHtml(isElsewhere ? host + path : path)}</span>
<span class="says">${escapeHtml(about)}</span>
<span class="about"><span>${escapeHtml(kind ?? '')}</span><span class="state ${escapeHtml(state)}">${escapeHtml(state)}</span></span>`;
  return state === 'running' && !isElsewhere
    ? `<li><a href="${escapeHtml(path)}/">${text}</a></li>`
    : `<li><div>${text}</div></li>`;
}

/** @param {string} text */
function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
