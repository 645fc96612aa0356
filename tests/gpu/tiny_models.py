"""Folders with tiny models of random weights, in the layout of a hub's repository: pipelines load them as they are."""

import json
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from bench.gpu_models import random_pipeline
from workers.diffusion.model_folder import MANIFEST, sha256_of

_WORDS = ("<pad>", "<unk>", "<bos>", "<eos>", "a", "dragon", "eating", "soup", "in", "street", "at", "night")
_SMALL = {
    "vocab_size": len(_WORDS),
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
}


def save(name: str, folder: Path) -> Path:
    """Save the tiny model with its manifest into a folder of its name, and return that folder."""
    torch.manual_seed(1)
    target = folder / name
    if name == "swin2sr-x2":
        _enlarger().save_pretrained(target)
    else:
        random_pipeline(name, tiny=True, words=_words(name)).save_pretrained(target)
    files = {
        path.relative_to(target).as_posix(): {"sha256": sha256_of(path), "bytes": path.stat().st_size}
        for path in sorted(target.rglob("*"))
        if path.is_file()
    }
    (target / MANIFEST).write_text(json.dumps({"files": files}))
    return target


def _enlarger() -> Any:
    """Return an enlarger whose windows are those of the published one. Its weights are large enough to be seen."""
    config = transformers.Swin2SRConfig(embed_dim=12, depths=(2, 2), num_heads=(2, 2), initializer_range=0.2)
    return transformers.Swin2SRForImageSuperResolution(config)


def _tokenizer(length: int) -> Any:
    model = tokenizers.Tokenizer(WordLevel({word: place for place, word in enumerate(_WORDS)}, unk_token="<unk>"))
    model.pre_tokenizer = Whitespace()
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=model, pad_token="<pad>", unk_token="<unk>", bos_token="<bos>", eos_token="<eos>"
    )
    made.model_max_length = length
    made.chat_template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    return made


def _words(name: str) -> dict[str, Any]:
    match name:
        case "flux2-klein-4b":
            layers = 27  # its prompts are hidden states after layers 9, 18 and 27
            config = transformers.Qwen3Config(
                **(_SMALL | {"num_hidden_layers": layers}), num_key_value_heads=1, head_dim=8
            )
            return {"text_encoder": transformers.Qwen3ForCausalLM(config), "tokenizer": _tokenizer(512)}
        case "sdxl":
            config = transformers.CLIPTextConfig(**_SMALL, projection_dim=16)
            return {
                "text_encoder": transformers.CLIPTextModel(config),
                "text_encoder_2": transformers.CLIPTextModelWithProjection(config),
                "tokenizer": _tokenizer(77),
                "tokenizer_2": _tokenizer(77),
            }
        case "wan2.2-ti2v-5b" | "wan2.1-vace-1.3b":
            config = transformers.UMT5Config(
                vocab_size=len(_WORDS), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2
            )
            return {"text_encoder": transformers.UMT5EncoderModel(config), "tokenizer": _tokenizer(512)}
        case _:
            config = transformers.Gemma2Config(**_SMALL, num_key_value_heads=1, head_dim=8)
            return {"text_encoder": transformers.Gemma2ForCausalLM(config), "tokenizer": _tokenizer(300)}
