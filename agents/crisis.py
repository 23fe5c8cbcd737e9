from agents.words import Crisis


def screen(text: str) -> Crisis | None:
    return None


def handover(seed: int) -> str:
    return "Please call findahelpline.com."
