"""What a type checker says of a script: `# error: WORDS` and `# type: NAME` stand where it does, and nowhere else."""

from typing import reveal_type

import eagerflow as keras
from eagerflow import layers, ops, preprocessing

reveal_type(preprocessing.image_dataset_from_directory("pets", seed=3))  # type: FolderDataset
first = preprocessing.image_dataset_from_directory("pets", "inferred", validation_split=0.2, subset="training")
reveal_type(first)  # type: FolderDataset
train, test = preprocessing.image_dataset_from_directory("pets", validation_split=0.2, subset="both", seed=1)
reveal_type(train)  # type: FolderDataset
preprocessing.image_dataset_from_directory("pets", image_sise=(8, 8))  # error: image_dataset_from_directory
preprocessing.text_dataset_from_directory("texts", subset=2)  # error: text_dataset_from_directory
words, others = keras.utils.text_dataset_from_directory("texts", subset="both", max_length=20)
reveal_type(words)  # type: FolderDataset
reveal_type(keras.utils.audio_dataset_from_directory("sounds", ragged=False))  # type: FolderDataset
for batch in train:
    print(batch)

model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
model.predict(ops.ones((2, 3)), bach_size=2)  # error: bach_size
several = keras.Model([keras.Input((3,))], [keras.Input((3,))])
one, two = several.predict(ops.ones((2, 3)))  # a list of arrays: how many outputs there are isn't known from types
model.fit(train, validation_data=test)

reveal_type(keras.from_dlpack(ops.ones(3)))  # type: Tensor
keras.from_dlpack(ops.ones(3), devise="cpu")  # error: devise
