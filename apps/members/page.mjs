/**
 * The page behind the door.
 * @param {{ readonly name: string, readonly visits: number }} member
 * @param {string} logout where the button is sent
 */
export function homePage({ name, visits }, logout) {
  const times = visits === 1 ? 'the first time' : `${visits} times`;
  return page(
    `Hello, ${escapeHtml(name)}`,
    `<p>You have seen this page ${times} since you logged in. The session knows it; your browser keeps only its id.</p>
<form method="post" action="${escapeHtml(logout)}"><button>Log out</button></form>`,
  );
}

/**
 * @param {string} login where the form is sent
 * @param {boolean} isRefused name or password were wrong
 */
export function loginPage(login, isRefused) {
  return page(
    'Members only',
    `<p>This sample knows one member: <code>ada</code> with the password <code>lovelace</code>.</p>
${isRefused ? '<p class="problem" role="alert">Name or password is wrong.</p>' : ''}
<form method="post" action="${escapeHtml(login)}">
<input name="user" required autocomplete="username" placeholder="Name" aria-label="Name">
<input name="password" type="password" required autocomplete="current-password" placeholder="Password" aria-label="Password">
<button>Log in</button>
</form>`,
  );
}

/**
 * @param {string} title
 * @param {string} body
 */
function page(title, body) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Members</title>
<style>
:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif; --accent: #0f766e; --line: #8884; }
body { margin: 0; display: grid; justify-content: center; }
main { width: min(26rem, 92vw); padding: 4rem 0; }
.kicker { margin: 0; color: var(--accent); font-weight: 600; letter-spacing: .04em; text-transform: uppercase; font-size: .75rem; }
h1 { margin: 0 0 1rem; font-size: 2.4rem; letter-spacing: -.02em; overflow-wrap: anywhere; }
p { margin: 0 0 1.2rem; }
form { display: grid; gap: .6rem; }
input { padding: .6rem .8rem; border: 1px solid var(--line); border-radius: .5rem; font: inherit; background: none; color: inherit; }
button { justify-self: start; padding: .6rem 1.2rem; border: 0; border-radius: .5rem; background: var(--accent); color: #fff; font: inherit; cursor: pointer; }
.problem { padding: .6rem .8rem; border-left: .25rem solid #b91c1c; }
code { font: .9em ui-monospace, monospace; }
</style>
</head>
<body>
<main>
<p class="kicker">Portico framework</p>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`;
}

/** @param {string} text */
function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
