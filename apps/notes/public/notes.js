const list = document.querySelector('#notes');
const form = document.querySelector('#form');

async function show() {
  const notes = await (await fetch('api/notes')).json();
  list.replaceChildren(...notes.map(itemOf));
}

function itemOf(note) {
  const item = document.createElement('li');
  const remove = document.createElement('button');
  remove.textContent = 'Delete';
  remove.addEventListener('click', async () => {
    await fetch(`api/notes/${note.id}`, { method: 'DELETE' });
    await show();
  });
  item.append(note.text, remove);
  return item;
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  await fetch('api/notes', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: new FormData(form).get('text') }),
  });
  form.reset();
  await show();
});

await show();
