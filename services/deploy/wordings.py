"""What a form says to who filled it in, in the language of its site."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences of one language."""

    lang: str
    thanks: str
    arrived: str
    back: str
    not_sent: str
    again: str
    busy: str
    gone: str
    away: str
    large: str
    no_files: str
    elsewhere: str

    @property
    def right_to_left(self) -> bool:
        return self.lang in {"ar", "fa", "he", "ur"}

    def refused(self, status: int, code: str) -> str | None:
        """Say why something was not taken; None for what is told in the error's own words."""
        by_code = {"files_not_taken": self.no_files, "origin_not_allowed": self.elsewhere}
        by_status = {404: self.gone, 413: self.large, 429: self.busy, 503: self.away}
        return by_code.get(code) or by_status.get(status)


def choose(declared: str | None, accepted: str) -> Wording:
    """Return the wording of a site's language, else of the first that its visitor accepts, else the English one."""
    wanted = [declared or "", *(part.partition(";")[0] for part in accepted[:500].split(","))]
    primary = (each.strip().lower().replace("_", "-").partition("-")[0] for each in wanted)
    return next((_ALL[lang] for lang in primary if lang in _ALL), ENGLISH)


ENGLISH: Final = Wording(
    "en",
    "Thank you",
    "Your message has arrived.",
    "Back to the site",
    "Your message was not sent",
    "Go back to the form: what you typed is still there.",
    "Too many messages were sent in a short time. Please try again in a minute.",
    "This form is not there any more.",
    "The form cannot be reached right now. Please try again in a moment.",
    "The message or one of its files is too large.",
    "This form does not take files.",
    "This form may not be sent from this page.",
)
_OTHERS: Final = (
    Wording(
        "de", "Vielen Dank", "Ihre Nachricht ist angekommen.", "Zurück zur Website",
        "Ihre Nachricht wurde nicht gesendet", "Gehen Sie zurück zum Formular: Ihre Eingaben sind noch da.",
        "In kurzer Zeit wurden zu viele Nachrichten gesendet. Bitte versuchen Sie es in einer Minute noch einmal.",
        "Dieses Formular gibt es nicht mehr.",
        "Das Formular ist gerade nicht erreichbar. Bitte versuchen Sie es gleich noch einmal.",
        "Die Nachricht oder eine ihrer Dateien ist zu groß.", "Dieses Formular nimmt keine Dateien an.",
        "Dieses Formular darf von dieser Seite aus nicht gesendet werden.",
    ),
    Wording(
        "fr", "Merci", "Votre message est bien arrivé.", "Retour au site", "Votre message n’a pas été envoyé",
        "Revenez au formulaire : ce que vous avez saisi y est encore.",
        "Trop de messages ont été envoyés en peu de temps. Veuillez réessayer dans une minute.",
        "Ce formulaire n’existe plus.",
        "Le formulaire n’est pas joignable pour le moment. Veuillez réessayer dans un instant.",
        "Le message ou l’un de ses fichiers est trop volumineux.", "Ce formulaire n’accepte pas de fichiers.",
        "Ce formulaire ne peut pas être envoyé depuis cette page.",
    ),
    Wording(
        "es", "Gracias", "Tu mensaje ha llegado.", "Volver al sitio", "Tu mensaje no se ha enviado",
        "Vuelve al formulario: lo que escribiste sigue ahí.",
        "Se han enviado demasiados mensajes en poco tiempo. Inténtalo de nuevo en un minuto.",
        "Este formulario ya no existe.",
        "No se puede acceder al formulario en este momento. Inténtalo de nuevo en un instante.",
        "El mensaje o uno de sus archivos es demasiado grande.", "Este formulario no acepta archivos.",
        "Este formulario no se puede enviar desde esta página.",
    ),
    Wording(
        "it", "Grazie", "Il tuo messaggio è arrivato.", "Torna al sito", "Il tuo messaggio non è stato inviato",
        "Torna al modulo: quello che hai scritto è ancora lì.",
        "Sono stati inviati troppi messaggi in poco tempo. Riprova tra un minuto.", "Questo modulo non esiste più.",
        "Il modulo non è raggiungibile in questo momento. Riprova tra poco.",
        "Il messaggio o uno dei suoi file è troppo grande.", "Questo modulo non accetta file.",
        "Questo modulo non può essere inviato da questa pagina.",
    ),
    Wording(
        "pt", "Obrigado", "A sua mensagem chegou.", "Voltar ao site", "A sua mensagem não foi enviada",
        "Volte ao formulário: o que escreveu continua lá.",
        "Foram enviadas demasiadas mensagens em pouco tempo. Tente novamente dentro de um minuto.",
        "Este formulário já não existe.", "O formulário não está disponível neste momento. Tente novamente em breve.",
        "A mensagem ou um dos seus ficheiros é demasiado grande.", "Este formulário não aceita ficheiros.",
        "Este formulário não pode ser enviado a partir desta página.",
    ),
    Wording(
        "nl", "Bedankt", "Je bericht is aangekomen.", "Terug naar de site", "Je bericht is niet verzonden",
        "Ga terug naar het formulier: wat je hebt ingevuld staat er nog.",
        "Er zijn in korte tijd te veel berichten verzonden. Probeer het over een minuut opnieuw.",
        "Dit formulier bestaat niet meer.", "Het formulier is nu niet bereikbaar. Probeer het zo meteen opnieuw.",
        "Het bericht of een van de bestanden is te groot.", "Dit formulier neemt geen bestanden aan.",
        "Dit formulier mag niet vanaf deze pagina worden verzonden.",
    ),
    Wording(
        "sv", "Tack", "Ditt meddelande har kommit fram.", "Tillbaka till webbplatsen",
        "Ditt meddelande skickades inte", "Gå tillbaka till formuläret: det du skrev finns kvar.",
        "För många meddelanden skickades på kort tid. Försök igen om en minut.", "Formuläret finns inte längre.",
        "Formuläret går inte att nå just nu. Försök igen om en stund.",
        "Meddelandet eller en av dess filer är för stor.", "Formuläret tar inte emot filer.",
        "Formuläret får inte skickas från den här sidan.",
    ),
    Wording(
        "pl", "Dziękujemy", "Wiadomość dotarła.", "Powrót do strony", "Wiadomość nie została wysłana",
        "Wróć do formularza: wpisana treść nadal tam jest.",
        "W krótkim czasie wysłano zbyt wiele wiadomości. Spróbuj ponownie za minutę.", "Tego formularza już nie ma.",
        "Formularz jest teraz niedostępny. Spróbuj ponownie za chwilę.",
        "Wiadomość lub jeden z jej plików jest za duży.", "Ten formularz nie przyjmuje plików.",
        "Tego formularza nie można wysłać z tej strony.",
    ),
    Wording(
        "tr", "Teşekkürler", "Mesajınız ulaştı.", "Siteye dön", "Mesajınız gönderilmedi",
        "Forma geri dönün: yazdıklarınız hâlâ orada.",
        "Kısa sürede çok fazla mesaj gönderildi. Lütfen bir dakika sonra tekrar deneyin.", "Bu form artık yok.",
        "Forma şu anda ulaşılamıyor. Lütfen birazdan tekrar deneyin.", "Mesaj veya dosyalarından biri çok büyük.",
        "Bu form dosya kabul etmiyor.", "Bu form bu sayfadan gönderilemez.",
    ),
    Wording(
        "ru", "Спасибо", "Ваше сообщение получено.", "Вернуться на сайт", "Ваше сообщение не отправлено",
        "Вернитесь к форме: введённый текст сохранился.",
        "За короткое время отправлено слишком много сообщений. Попробуйте ещё раз через минуту.",
        "Этой формы больше нет.", "Форма сейчас недоступна. Попробуйте ещё раз чуть позже.",
        "Сообщение или один из его файлов слишком велик.", "Эта форма не принимает файлы.",
        "Эту форму нельзя отправить с этой страницы.",
    ),
    Wording(
        "uk", "Дякуємо", "Ваше повідомлення отримано.", "Повернутися на сайт", "Ваше повідомлення не надіслано",
        "Поверніться до форми: введений текст зберігся.",
        "За короткий час надіслано забагато повідомлень. Спробуйте ще раз за хвилину.", "Цієї форми більше немає.",
        "Форма зараз недоступна. Спробуйте ще раз трохи згодом.", "Повідомлення або один з його файлів завеликий.",
        "Ця форма не приймає файлів.", "Цю форму не можна надіслати з цієї сторінки.",
    ),
    Wording(
        "ar", "شكرًا لك", "وصلت رسالتك.", "العودة إلى الموقع", "لم تُرسل رسالتك",
        "عُد إلى النموذج: ما كتبته لا يزال هناك.",
        "أُرسلت رسائل كثيرة جدًا في وقت قصير. يُرجى المحاولة مرة أخرى بعد دقيقة.", "لم يعد هذا النموذج موجودًا.",
        "لا يمكن الوصول إلى النموذج الآن. يُرجى المحاولة مرة أخرى بعد قليل.", "الرسالة أو أحد ملفاتها كبير جدًا.",
        "لا يقبل هذا النموذج الملفات.", "لا يمكن إرسال هذا النموذج من هذه الصفحة.",
    ),
    Wording(
        "fa", "سپاسگزاریم", "پیام شما رسید.", "بازگشت به وب‌سایت", "پیام شما ارسال نشد",
        "به فرم برگردید: آنچه نوشته‌اید هنوز آنجاست.",
        "در زمانی کوتاه پیام‌های زیادی ارسال شد. لطفاً یک دقیقه دیگر دوباره تلاش کنید.", "این فرم دیگر وجود ندارد.",
        "فرم اکنون در دسترس نیست. لطفاً کمی بعد دوباره تلاش کنید.", "پیام یا یکی از فایل‌های آن بیش از حد بزرگ است.",
        "این فرم فایل نمی‌پذیرد.", "این فرم را نمی‌توان از این صفحه ارسال کرد.",
    ),
    Wording(
        "he", "תודה", "ההודעה שלך התקבלה.", "חזרה לאתר", "ההודעה שלך לא נשלחה",
        "אפשר לחזור לטופס: מה שהקלדת עדיין שם.", "נשלחו הודעות רבות מדי בזמן קצר. יש לנסות שוב בעוד דקה.",
        "הטופס הזה כבר לא קיים.", "אי אפשר להגיע לטופס כרגע. יש לנסות שוב בעוד רגע.",
        "ההודעה או אחד הקבצים שלה גדולים מדי.", "הטופס הזה לא מקבל קבצים.", "אי אפשר לשלוח את הטופס הזה מהדף הזה.",
    ),
    Wording(
        "hi", "धन्यवाद", "आपका संदेश पहुँच गया है।", "साइट पर वापस जाएँ", "आपका संदेश नहीं भेजा गया",
        "फ़ॉर्म पर वापस जाएँ: आपका लिखा हुआ अब भी वहाँ है।",
        "थोड़े समय में बहुत अधिक संदेश भेजे गए। कृपया एक मिनट बाद फिर कोशिश करें।", "यह फ़ॉर्म अब मौजूद नहीं है।",
        "फ़ॉर्म अभी उपलब्ध नहीं है। कृपया थोड़ी देर बाद फिर कोशिश करें।", "संदेश या उसकी कोई फ़ाइल बहुत बड़ी है।",
        "यह फ़ॉर्म फ़ाइलें नहीं लेता।", "यह फ़ॉर्म इस पेज से नहीं भेजा जा सकता।",
    ),
    Wording(
        "ja", "ありがとうございます", "メッセージが届きました。", "サイトに戻る", "メッセージは送信されませんでした",
        "フォームに戻ってください。入力した内容はそのまま残っています。",
        "短時間に多くのメッセージが送信されました。1分後にもう一度お試しください。", "このフォームはもうありません。",
        "現在フォームに接続できません。しばらくしてからもう一度お試しください。",
        "メッセージまたはファイルが大きすぎます。", "このフォームではファイルを受け付けていません。",
        "このページからはこのフォームを送信できません。",
    ),
    Wording(
        "ko", "감사합니다", "메시지가 도착했습니다.", "사이트로 돌아가기", "메시지가 전송되지 않았습니다",
        "양식으로 돌아가세요. 입력한 내용이 그대로 남아 있습니다.",
        "짧은 시간에 너무 많은 메시지가 전송되었습니다. 1분 후에 다시 시도해 주세요.", "이 양식은 더 이상 없습니다.",
        "지금은 양식을 사용할 수 없습니다. 잠시 후 다시 시도해 주세요.", "메시지 또는 파일이 너무 큽니다.",
        "이 양식은 파일을 받지 않습니다.", "이 페이지에서는 이 양식을 보낼 수 없습니다.",
    ),
    Wording(
        "zh", "谢谢", "您的留言已收到。", "返回网站", "您的留言未能发送", "请返回表单:您填写的内容仍在那里。",
        "短时间内发送的留言过多。请一分钟后再试。", "此表单已不存在。", "表单暂时无法访问。请稍后再试。",
        "留言或其中一个文件太大。", "此表单不接受文件。", "无法从此页面发送此表单。",
    ),
)  # fmt: skip
_ALL: Final = {each.lang: each for each in (ENGLISH, *_OTHERS)}
