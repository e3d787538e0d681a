// An ordinary Express program. Nothing in it knows Portico: `node server.js` runs it alone on port 3000.
import { fileURLToPath } from 'node:url';
import express from 'express';

/** @type {Map<number, { id: number, text: string }>} */
const notes = new Map([[1, { id: 1, text: 'This Express application runs in a process of its own.' }]]);
let lastId = 1;

const app = express();
app.use(express.json({ limit: '64kb' }));
app.use(express.static(fileURLToPath(new URL('public', import.meta.url))));

app.get('/api/notes', (_request, response) => {
  response.json([...notes.values()]);
});

app.post('/api/notes', (request, response) => {
  const text = typeof request.body?.text === 'string' ? request.body.text.trim() : '';
  if (text === '') {
    response.status(422).json({ error: 'text is missing' });
    return;
  }
  const note = { id: ++lastId, text };
  notes.set(note.id, note);
  response.status(201).location(`/api/notes/${note.id}`).json(note);
});

app.get('/api/notes/:id', (request, response) => {
  const note = notes.get(Number(request.params.id));
  if (note === undefined) response.status(404).json({ error: 'no such note' });
  else response.json(note);
});

app.delete('/api/notes/:id', (request, response) => {
  response.status(notes.delete(Number(request.params.id)) ? 204 : 404).end();
});

app.listen(3000);
