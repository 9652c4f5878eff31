"""In the style of TensorFlow's tutorial on several workers: TF_CONFIG, a chief that saves, backup and restore."""

import json
import os
import tempfile

import numpy as np
import tensorflow as tf

per_worker_batch_size = 32
tf_config = {"cluster": {"worker": ["localhost:12345", "localhost:23456"]}, "task": {"type": "worker", "index": 0}}
if os.environ.get("SCRIPT_WITH_TF_CONFIG"):
    os.environ["TF_CONFIG"] = json.dumps(tf_config)
num_workers = len(tf_config["cluster"]["worker"])

strategy = tf.distribute.MultiWorkerMirroredStrategy(
    communication_options=tf.distribute.experimental.CommunicationOptions(
        implementation=tf.distribute.experimental.CollectiveCommunication.RING
    )
)
tf.keras.utils.set_random_seed(6)


def dataset_of(batch_size):
    rng = np.random.default_rng(2)
    x = rng.random((256, 10)).astype("float32")
    y = (x.sum(1) > 5).astype("int64")
    return tf.data.Dataset.from_tensor_slices((x, y)).shuffle(256, seed=1).repeat().batch(batch_size)


def build_and_compile():
    model = tf.keras.Sequential(
        [
            tf.keras.layers.InputLayer(input_shape=(10,)),
            tf.keras.layers.Dense(32, activation="relu"),
            tf.keras.layers.Dense(2),
        ]
    )
    model.compile(
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        optimizer=tf.keras.optimizers.SGD(learning_rate=0.05),
        metrics=["accuracy"],
    )
    return model


global_batch_size = per_worker_batch_size * num_workers
multi_worker_dataset = dataset_of(global_batch_size)
with strategy.scope():
    multi_worker_model = build_and_compile()

folder = os.environ.get("SCRIPT_FOLDER") or tempfile.mkdtemp()
callbacks = [tf.keras.callbacks.BackupAndRestore(backup_dir=os.path.join(folder, "backup"))]
history = multi_worker_model.fit(multi_worker_dataset, epochs=3, steps_per_epoch=10, callbacks=callbacks, verbose=0)
print("loss", [f"{loss:.4f}" for loss in history.history["loss"]])
print("accuracy", [f"{part:.4f}" for part in history.history["accuracy"]])

task_type, task_id = strategy.cluster_resolver.task_type, strategy.cluster_resolver.task_id


def is_chief(task_type, task_id):
    return (task_type == "worker" and task_id == 0) or task_type is None


def write_filepath(filepath):
    dirpath, base = os.path.dirname(filepath), os.path.basename(filepath)
    if not is_chief(task_type, task_id):
        dirpath = os.path.join(dirpath, "workertemp_" + str(task_id))
        tf.io.gfile.makedirs(dirpath)
    return os.path.join(dirpath, base)


model_path = os.path.join(folder, "keras-model.keras")
write_model_path = write_filepath(model_path)
multi_worker_model.save(write_model_path)
if not is_chief(task_type, task_id):
    tf.io.gfile.rmtree(os.path.dirname(write_model_path))

checkpoint = tf.train.Checkpoint(model=multi_worker_model)
manager = tf.train.CheckpointManager(checkpoint, directory=os.path.join(folder, "ckpt"), max_to_keep=1)
manager.save()
checkpoint.restore(tf.train.latest_checkpoint(os.path.join(folder, "ckpt")))
restored = multi_worker_model.evaluate(multi_worker_dataset, steps=4, verbose=0)
print("restored", [f"{number:.4f}" for number in restored])
