export default function handler(_request, response) {
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  response.end('Hello World\n');
}
