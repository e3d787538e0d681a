import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Arrays;

/** The lines of the group `connector` as a servlet, the way a Java developer writes it. */
public class Lines extends HttpServlet {
  private static final byte[] TEXT = "Hello World\n".getBytes();
  private static final byte[] LARGE = new byte[100 * 1024];

  static {
    Arrays.fill(LARGE, (byte) 'x');
  }

  @Override
  protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
    byte[] body = request.getRequestURI().equals("/large") ? LARGE : TEXT;
    response.setContentType("text/plain; charset=utf-8");
    response.setContentLength(body.length);
    response.getOutputStream().write(body);
  }

  @Override
  protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
    byte[] body = request.getInputStream().readAllBytes();
    byte[] answer = (body.length + "\n").getBytes();
    response.setContentType("text/plain; charset=utf-8");
    response.setContentLength(answer.length);
    response.getOutputStream().write(answer);
  }
}
