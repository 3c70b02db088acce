// Verifies a webhook with the public library: `java Verify MESSAGE`, a file as `xtask/src/clients/webhooks.rs` writes it.

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.WebhookVerificationException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

public class Verify {
  static Map<String, List<String>> headers(Map<String, String> given) {
    Map<String, List<String>> all = new HashMap<>();
    given.forEach((name, value) -> all.put(name, List.of(value)));
    return all;
  }

  static boolean takes(Webhook webhook, String body, Map<String, String> headers) throws Exception {
    try {
      webhook.verify(body, headers(headers));
      return true;
    } catch (WebhookVerificationException refused) {
      return false;
    }
  }

  public static void main(String[] arguments) throws Exception {
    JsonObject message = JsonParser.parseString(Files.readString(Path.of(arguments[0]))).getAsJsonObject();
    Webhook webhook = new Webhook(message.get("secret").getAsString());
    String body = message.get("body").getAsString();
    Map<String, String> headers = new HashMap<>();
    message.getAsJsonObject("headers").entrySet().forEach(one -> headers.put(one.getKey(), one.getValue().getAsString()));
    if (!takes(webhook, body, headers)) {
      throw new AssertionError("the message is refused");
    }
    JsonObject sent = new Gson().fromJson(body, JsonObject.class);
    String told = sent.get("type").getAsString() + " " + sent.getAsJsonObject("data").get("name").getAsString();
    if (!told.equals("tag.created Hérons")) {
      throw new AssertionError("another message: " + body);
    }
    Map<String, String> other = new HashMap<>(headers);
    other.put("webhook-id", "msg_1");
    if (takes(webhook, body + " ", headers) || takes(webhook, body, other)) {
      throw new AssertionError("a message that was changed is taken");
    }
  }
}
